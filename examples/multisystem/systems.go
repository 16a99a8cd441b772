package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"thespian.dev/actor"
	"thespian.dev/convention/authority"
	"thespian.dev/system"
)

// branches are the systems beside the office.
var branches = map[string]actor.Capabilities{
	"plant": {"Encodes base64": true},
	"vault": {"Encodes rot13": true, "Outbound Only": true},
}

// join starts a system of the convention. It ends with this program, as its Admin Port is 0. On one host systems would meet directly: these do as if they were apart.
func join(ctx context.Context, name, secret string, more actor.Capabilities) (*system.System, error) {
	c := actor.Capabilities{"Admin Port": 0, "Name": name, "Direct Within Host": false}
	for name, value := range more {
		c[name] = value
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	return app.Start(ctx, &system.Options{ConventionSecretFile: secret, Capabilities: c, Logger: quiet})
}

// An office is the leading system, with the processes of the others.
type office struct {
	*system.System
	folder    string
	processes []*branch
}

// A branch is the program of another system. It ends when its input does.
type branch struct {
	command *exec.Cmd
	input   io.Closer
}

func openOffice(ctx context.Context) (_ *office, err error) {
	o := &office{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if o.folder, err = os.MkdirTemp("", "multisystem"); err != nil { // for this user alone
		return nil, err
	}
	secret := filepath.Join(o.folder, "secret")
	if err := os.WriteFile(secret, []byte(authority.NewSecret()), 0o600); err != nil {
		return nil, err
	}
	if o.System, err = join(ctx, "office", secret, nil); err != nil {
		return nil, err
	}
	status, err := o.Status(ctx)
	if err != nil {
		return nil, err
	}
	for name := range branches {
		if err := o.start(name, status.Processes[0].Endpoint, secret); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return o, nil
}

// start starts the program of another system, and waits until that has joined.
func (o *office) start(name, leader, secret string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b := &branch{command: exec.Command(self, "-branch", name, "-leader", leader, "-secret", secret)}
	b.command.Stderr = os.Stderr
	in, err := b.command.StdinPipe()
	if err != nil {
		return err
	}
	b.input = in
	out, err := b.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.command.Start(); err != nil {
		return err
	}
	o.processes = append(o.processes, b)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return errors.New("it has not started")
	}
	return nil
}

// offer has a clerk in a system change what that offers.
func (o *office) offer(ctx context.Context, in, name string, value any) error {
	clerk, err := o.Create(ctx, "clerk", actor.CreateOptions{Requirements: in})
	if err != nil {
		return err
	}
	done, err := system.Ask[Offered](ctx, o.System, clerk, Offer{name, value})
	if err == nil && done.Failure != "" {
		err = errors.New(done.Failure)
	}
	return err
}

// close ends all systems, the office last.
func (o *office) close() (err error) {
	for _, b := range o.processes {
		_ = b.input.Close()
	}
	for _, b := range o.processes {
		err = errors.Join(err, b.command.Wait())
	}
	if o.System != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = errors.Join(err, o.Shutdown(ctx))
	}
	if o.folder != "" {
		err = errors.Join(err, os.RemoveAll(o.folder))
	}
	return err
}

// runBranch is the program of another system: it says that it has joined, and ends with its input.
func runBranch(ctx context.Context, name, leader, secret string, stdin io.Reader, stdout io.Writer) error {
	offers, known := branches[name]
	if !known {
		return fmt.Errorf("there is no system %q", name)
	}
	offers = offers.Clone()
	offers["Convention Address.IPv4"] = leader
	sys, err := join(ctx, name, secret, offers)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "joined")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, stdin)
	}()
	select {
	case <-ended:
	case <-ctx.Done(): // the office ends us
		<-ended
	case <-sys.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return sys.Shutdown(closing)
}
