// Package matrix shows that actors behave the same wherever they run: each [Behaviour] is written once, and runs in every [Config]: on each base, under each scheduler, with
// each startup method, and with the capabilities that change how systems are connected. Where a behaviour cannot be had in a configuration, it says why.
//
//	go run ./integration/cmd/matrix            # each behaviour in configurations that have every pair of settings: minutes
//	go run ./integration/cmd/matrix -whole     # in all configurations
//
// The tests of the package run the first of these.
package matrix
