// Matrix runs every behaviour of actors in many configurations of systems, and prints a table of what holds where.
//
//	go run ./integration/cmd/matrix                                # configurations that have every two settings together: a few minutes
//	go run ./integration/cmd/matrix -whole                         # all configurations
//	go run ./integration/cmd/matrix -run failures -config '^tcp'   # some of both, by regular expressions
//	go run ./integration/cmd/matrix -list
//	go run ./integration/cmd/matrix -json
//
// The exit status is 1 when a behaviour does not hold somewhere. An interrupt ends it; what was run until then is printed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"

	"thespian.dev/integration/matrix"
	"thespian.dev/system"
)

func main() { matrix.App().Main(run) }

func run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	terminal := os.Stderr
	return command{matrix.App(), matrix.Configs(), os.Stdout, terminal, func(to *os.File) { os.Stderr = to }}.run(ctx, os.Args[1:])
}

type command struct {
	app            system.App
	configs        []matrix.Config
	stdout, stderr io.Writer
	printTo        func(*os.File) // where systems print what their processes do from now on
}

func (c command) run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("matrix", flag.ContinueOnError)
	flags.SetOutput(c.stderr)
	behaviour := flags.String("run", "", "only the behaviours whose names match the `expression`")
	config := flags.String("config", "", "only the configurations whose names match the `expression`")
	whole := flags.Bool("whole", false, "all configurations, not only enough for every two settings")
	list := flags.Bool("list", false, "print the names, and run nothing")
	asJSON := flags.Bool("json", false, "write the results as JSON")
	log := flags.String("log", os.DevNull, "the `file` for what the processes of the systems print, which fail on purpose all the time")
	atOnce := flags.Int("j", runtime.GOMAXPROCS(0), "how many run at once")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 || *atOnce < 1 {
		return errors.New("wanted: flags alone, and -j of at least 1")
	}
	behaviours, err := matching(matrix.Behaviours(), *behaviour, func(b matrix.Behaviour) string { return b.Name })
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	all := c.configs
	if !*whole {
		all = matrix.Pairs(all)
	}
	configs, err := matching(all, *config, matrix.Config.String)
	if err != nil {
		return fmt.Errorf("-config: %w", err)
	}
	if *list {
		for _, b := range behaviours {
			fmt.Fprintln(c.stdout, b.Name)
		}
		for _, config := range configs {
			fmt.Fprintln(c.stdout, config)
		}
		return nil
	}
	file, err := os.OpenFile(*log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	c.printTo(file)
	r := newReport(behaviours, configs)
	line := newProgress(c.stderr, len(behaviours)*len(configs))
	matrix.Run(ctx, c.app, behaviours, configs, *atOnce, func(result matrix.Result) {
		r.add(result)
		line.show(len(r.Results), r.failed)
	})
	line.clear()
	if *asJSON {
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(r.Results)
	} else {
		err = r.write(c.stdout)
	}
	if ctx.Err() != nil {
		err = errors.Join(err, errors.New("interrupted"))
	}
	if r.failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d do not hold", r.failed, len(r.Results)))
	}
	return err
}

// matching returns those whose names match an expression, of which there must be some.
func matching[T any](all []T, expression string, name func(T) string) (some []T, err error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if re.MatchString(name(one)) {
			some = append(some, one)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("nothing matches %q; -list shows the names", expression)
	}
	return some, nil
}
