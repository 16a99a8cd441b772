package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A row is one feature.
type row struct {
	line    int
	id      string
	feature string
	ours    string
	state   string
	bases   []string
	tests   []string
}

const (
	shown       = "shown"
	differently = "differently"
	open        = "open"
)

// bases are those that a row may name.
var bases = []string{"simple", "udp", "tcp", "queue", "nats"}

var (
	header    = []string{"ID", "Feature", "Ours", "State", "Bases", "Tests"}
	idPattern = regexp.MustCompile(`^([A-Z][1-9][0-9]*)([a-z]?)$`) // a feature, and perhaps which part of it
	delimiter = regexp.MustCompile(`^:?-+:?$`)
	ticked    = regexp.MustCompile("^`([^`]+)`$")
	looksID   = regexp.MustCompile(`^[A-Za-z][0-9]+[a-z]?$`)
	fence     = regexp.MustCompile("^ {0,3}(```+|~~~+)(.*)$")
)

// parse returns the rows of all feature tables, the malformed ones left out, and what is malformed. The ID of a
// malformed row counts as present: its row is returned without a state.
func parse(doc string) (rows []row, problems []problem) {
	inTable, ours := false, false // within a table; within one of features
	opening := ""                 // of the fenced block that the line is in
	for n, text := range strings.Split(doc, "\n") {
		line := n + 1
		text = strings.TrimRight(text, "\r")
		if m := fence.FindStringSubmatch(text); m != nil {
			switch {
			case opening == "":
				opening = m[1]
			case strings.HasPrefix(m[1], opening) && strings.TrimSpace(m[2]) == "":
				opening = ""
			}
			inTable = false
			continue
		}
		text = strings.TrimSpace(text)
		if opening != "" || !strings.HasPrefix(text, "|") {
			inTable = false
			continue
		}
		cells := split(text)
		first := cells[0]
		switch {
		case !inTable:
			inTable, ours = true, slices.Equal(cells, header)
			if looksID.MatchString(first) {
				problems = append(problems, problem{line, first + ": a row without a table header above it"})
			} else if strings.EqualFold(first, header[0]) && !ours {
				problems = append(problems, problem{line, "the header of a table of features is | " + strings.Join(header, " | ") + " |"})
			}
		case delimiter.MatchString(first):
		case !ours:
			if looksID.MatchString(first) {
				problems = append(problems, problem{line, first + ": a row in a table that is not one of features"})
			}
		default:
			r, wrong := parseRow(cells)
			r.line = line
			for _, w := range wrong {
				problems = append(problems, problem{line, first + ": " + w})
			}
			if len(wrong) > 0 {
				r.state, r.bases, r.tests = "", nil, nil
			}
			rows = append(rows, r)
		}
	}
	if opening != "" {
		problems = append(problems, problem{1, "a fenced code block is never closed"})
	}
	return rows, problems
}

// split returns the cells of a table row, trimmed. "\|" does not end a cell, not even in backticks, as on GitHub.
func split(text string) []string {
	text = strings.TrimPrefix(text, "|")
	var cells []string
	var cell strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '|':
			cell.WriteByte('|')
			i++
		case text[i] == '|':
			cells = append(cells, strings.TrimSpace(cell.String()))
			cell.Reset()
		default:
			cell.WriteByte(text[i])
		}
	}
	if rest := strings.TrimSpace(cell.String()); rest != "" || len(cells) == 0 {
		cells = append(cells, rest) // no "|" at the end
	}
	return cells
}

// parseRow returns the row of these cells and what is wrong with it.
func parseRow(cells []string) (r row, wrong []string) {
	r.id = cells[0]
	if !idPattern.MatchString(r.id) {
		wrong = append(wrong, "an ID is a capital letter and a number, such as A1")
	}
	if len(cells) != len(header) {
		return r, append(wrong, fmt.Sprintf("%d cells instead of %d (a | inside a cell is written \\|)", len(cells), len(header)))
	}
	r.feature, r.ours, r.state = cells[1], cells[2], cells[3]
	if r.feature == "" {
		wrong = append(wrong, "no feature")
	}
	if !slices.Contains([]string{shown, differently, open}, r.state) {
		wrong = append(wrong, fmt.Sprintf("state %q is none of shown, differently, open", r.state))
	}
	if r.state == differently && (r.ours == "" || r.ours == "-") {
		wrong = append(wrong, "done differently, but Ours does not say how and why")
	}
	for _, base := range list(cells[4]) {
		switch {
		case !slices.Contains(bases, base):
			wrong = append(wrong, fmt.Sprintf("base %q is none of %s (- for no base)", base, strings.Join(bases, ", ")))
		case slices.Contains(r.bases, base):
			wrong = append(wrong, fmt.Sprintf("base %q is named twice", base))
		default:
			r.bases = append(r.bases, base)
		}
	}
	named := list(cells[5])
	for _, test := range named {
		if m := ticked.FindStringSubmatch(test); m != nil {
			r.tests = append(r.tests, m[1])
		} else {
			wrong = append(wrong, fmt.Sprintf("test %s is not in backticks (- for no test)", test))
		}
	}
	if len(named) == 0 && (r.state == shown || r.state == differently) {
		wrong = append(wrong, "state "+r.state+", but no test is named")
	}
	return r, wrong
}

// list returns the elements of a comma list; "-" is the empty one. A comma in backticks does not separate.
func list(cell string) []string {
	if cell == "-" {
		return nil
	}
	var elements []string
	quoted, start := false, 0
	for i := range len(cell) {
		switch {
		case cell[i] == '`':
			quoted = !quoted
		case cell[i] == ',' && !quoted:
			elements = append(elements, strings.TrimSpace(cell[start:i]))
			start = i + 1
		}
	}
	return append(elements, strings.TrimSpace(cell[start:]))
}
