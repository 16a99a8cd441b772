// Package second runs the other half of a contestant in a process of its own, which is this executable again.
package second

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// variable is the environment variable that tells a second process what it was started for.
const variable = "BENCHMARK_SECOND"

// endTime is how long a second process gets to end.
const endTime = 5 * time.Second

// A Role is what a second process does, until ctx is done, which is when the process that started it wants it to end or has ended itself. It calls ready once, with
// where it is reached; its argument is what Start was given.
type Role func(ctx context.Context, argument string, ready func(address string)) error

type part struct{ Role, Argument string }

// Serve must be called first in every executable that calls Start. In a second process it plays the role and never returns.
func Serve(ctx context.Context, roles map[string]Role) {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return
	}
	if err := serve(ctx, roles, text); err != nil {
		fmt.Fprintln(os.Stderr, "second process:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(ctx context.Context, roles map[string]Role, text string) error {
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	role := roles[p.Role]
	if role == nil {
		return fmt.Errorf("no role %q", p.Role)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin) // until the other process has ended, or closed it
		cancel()
	}()
	return role(ctx, p.Argument, func(address string) { fmt.Println(address) })
}

// A Process is a second process.
type Process struct {
	Address string // where it is reached
	PID     int

	command *exec.Cmd
	stdin   io.Closer
}

// Start starts a second process and waits until it is ready. The context bounds the start alone.
func Start(ctx context.Context, role, argument string) (*Process, error) {
	p, err := start(ctx, role, argument)
	if err != nil {
		return nil, fmt.Errorf("second process (%s): %w", role, err)
	}
	return p, nil
}

func start(ctx context.Context, role, argument string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(part{role, argument})
	if err != nil {
		return nil, err
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), variable+"="+string(text))
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &Process{PID: command.Process.Pid, command: command, stdin: stdin}
	hurry := context.AfterFunc(ctx, func() { _ = command.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if !hurry() || err != nil {
		_ = p.Stop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("it did not become ready: %w (does its main function call Serve?)", err)
	}
	p.Address = strings.TrimSpace(line)
	return p, nil
}

// Stop ends the process and waits until it has ended.
func (p *Process) Stop() error {
	_ = p.stdin.Close()
	patience := time.AfterFunc(endTime, func() { _ = p.command.Process.Kill() })
	defer patience.Stop()
	return p.command.Wait()
}
