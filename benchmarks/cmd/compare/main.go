// Compare measures the system against the machine's raw limits, in one run, and prints a table.
//
//	go run ./benchmarks/cmd/compare                  # everything: some minutes
//	go run ./benchmarks/cmd/compare -only '^tell'    # works by name
//	go run ./benchmarks/cmd/compare -only '^far'     # those between processes
//	go run ./benchmarks/cmd/compare -list            # their names
//	go run ./benchmarks/cmd/compare -json
//
// An interrupt ends it; what was measured until then is printed. The exit status is 0 when everything could be measured,
// whether or not the goals are met.
package main

import (
	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/command"
)

func main() { compare().Main() }

func compare() command.Command {
	return command.Command{Name: "compare", Works: benchmarks.Works(), App: benchmarks.App(), Roles: benchmarks.Roles()}
}
