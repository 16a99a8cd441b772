// Parity checks docs/parity.md, which says for every feature of Thespian 3.5 how it is done here and which tests show it.
//
//	go run ./tools/cmd/parity           # from the root of the repository: check and count
//	go run ./tools/cmd/parity -open     # and list the rows that are still open
//	go run ./tools/cmd/parity -json     # the same for machines
//
// # The document
//
// It is Markdown with one table row a feature, in any number of tables under any headings. A table of features is one
// whose header is exactly
//
//	| ID | Feature | Ours | State | Bases | Tests |
//	|---|---|---|---|---|---|
//	| A6 | send a message | `ctx.Send(to, msg)` returns at once | shown | simple, tcp | `system.TestSend`, `message.TestCodec/golden` |
//	| A8 | messages are not copied | always copied between processes, because … | differently | simple | `system.ExampleOptions_copy` |
//	| D1 | convention members |  | open | - | - |
//
// The cells:
//
//   - ID: a letter and a number, once in the document. All those in expected.go must be there, and no others. Behind a
//     feature can be its parts, which are counted as well: D12a, D12b and so on.
//   - Feature: what Thespian does; never empty. A "|" inside a cell is written "\|".
//   - Ours: how it is done here. For a row done differently it says how and why, and is never empty.
//   - State: "shown", "differently" (done, and shown to work, in another way) or "open".
//   - Bases: "-" or a comma list of simple, udp, tcp, queue and nats: the bases that the tests ran on. "-" is for what has
//     nothing to do with a base, and for open rows that no base has yet. An open row names a base to say that it is
//     open there.
//   - Tests: "-" or a comma list of tests in backticks, each a package path below thespian.dev, a dot and a function:
//     `transport-tcp/internal/link.TestResume`. "/subtest" may follow and is not looked at. A row that is shown or done
//     differently names at least one.
//
// A test exists when a _test file in the package's folder declares it as go test would run it: with the right signature,
// and an example with its output. Tables inside fenced code blocks are passed over; so are other tables, unless a
// row of theirs begins with an ID.
//
// # What it prints
//
// Counts of rows, in total and for each base. A base's open rows are the open ones that name it or no base; "elsewhere"
// counts the rows that do not speak of that base: the done ones that do not name it, and those open on others
// only. The exit status is 1 when anything is wrong; what is wrong goes to standard error as "file:line: what".
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit status: 0, 1 when the document or a test is not as it should be, 2 for wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("parity", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the `folder` that is the root of the repository")
	file := flags.String("file", "docs/parity.md", "the document, a `path` relative to the root")
	asJSON := flags.Bool("json", false, "print JSON")
	listOpen := flags.Bool("open", false, "list the open rows too")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "parity: takes no arguments")
		return 2
	}
	name := filepath.FromSlash(*file)
	if !filepath.IsAbs(name) {
		name = filepath.Join(*root, name)
	}
	doc, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}

	rows, problems := parse(string(doc))
	problems = append(problems, checkIDs(rows)...)
	problems = append(problems, checkTests(rows, *root)...)
	for _, p := range problems {
		fmt.Fprintf(stderr, "%s:%d: %s\n", *file, p.line, p.text)
	}

	report := count(rows)
	if *listOpen {
		report.OpenRows = openRows(rows)
	}
	if *asJSON {
		err = writeJSON(stdout, report)
	} else {
		err = writeText(stdout, report)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if len(problems) > 0 {
		return 1
	}
	return 0
}

// A problem is something wrong in the document; line 1 stands for the whole of it.
type problem struct {
	line int
	text string
}

func writeJSON(out io.Writer, r report) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func writeText(out io.Writer, r report) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\tshown\tdifferently\topen\telsewhere\t\n")
	fmt.Fprintf(table, "total\t%d\t%d\t%d\t\t\n", r.Total.Shown, r.Total.Differently, r.Total.Open)
	for _, base := range bases {
		c := r.Bases[base]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t\n", base, c.Shown, c.Differently, c.Open, c.Elsewhere)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, row := range r.OpenRows {
		if _, err := fmt.Fprintf(out, "open: %s %s\n", row.ID, row.Feature); err != nil {
			return err
		}
	}
	return nil
}
