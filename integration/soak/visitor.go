package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// A visitor is a second program: it attaches to the system, sends to workers that it finds by their names, and leaves, unless it is killed first.

// visitorVariable has this executable be a visitor, and says what it does.
const visitorVariable = "THESPIAN_SOAK_VISITOR"

// An errand is what a visitor does.
type errand struct {
	Base    string
	Port    int
	Streams []Send
	Names   []string // of the receivers
}

// A receiptLine is what a visitor prints of each stream.
type receiptLine struct {
	Stream uint64
	Count  uint32
}

// Visit does what a visitor does, if this process was started as one. Then it returns true.
func Visit(ctx context.Context) (bool, error) {
	text := os.Getenv(visitorVariable)
	if text == "" {
		return false, nil
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return true, err
	}
	sys, err := App().Start(ctx, &system.Options{Base: e.Base, Attach: true, Capabilities: actor.Capabilities{"Admin Port": e.Port}, Logger: quiet()})
	if err != nil {
		return true, err
	}
	lines := make([]receiptLine, len(e.Streams))
	var wg sync.WaitGroup
	for i, s := range e.Streams {
		lines[i].Stream = s.Stream
		wg.Go(func() {
			to, failure := sys.Lookup(ctx, e.Names[i])
			if failure == nil && to.IsZero() {
				failure = fmt.Errorf("nobody has the name %s", e.Names[i])
			}
			body := s.body()
			for n := uint32(1); n <= s.Count && failure == nil; n++ {
				if failure = sys.Tell(ctx, to, s.parcel(n, body)); failure == nil {
					lines[i].Count = n
				}
			}
			if failure != nil {
				fmt.Fprintln(os.Stderr, "visitor:", failure)
			}
		})
	}
	wg.Wait()
	for _, line := range lines {
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return true, err
		}
	}
	return true, sys.Close()
}

// A visit is a visitor that runs.
type visit struct {
	cmd   *exec.Cmd
	out   io.ReadCloser
	party *party
}

func startVisit(e errand, p *party) (*visit, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	v := &visit{cmd: exec.Command(exe), party: p}
	v.cmd.Env = append(os.Environ(), visitorVariable+"="+string(text))
	v.cmd.Stderr = os.Stderr
	if v.out, err = v.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return v, v.cmd.Start()
}

// wait waits for the visitor's end and returns its account.
func (v *visit) wait() (Account, error) {
	a := Account{ID: v.party.id, Serial: 1, PID: v.cmd.Process.Pid, Final: true}
	lines := bufio.NewScanner(v.out)
	for lines.Scan() {
		var line receiptLine
		if strings.HasPrefix(lines.Text(), "{") && json.Unmarshal(lines.Bytes(), &line) == nil {
			a.Sent = append(a.Sent, Sent{Stream: line.Stream, Count: line.Count, Done: true})
		}
	}
	return a, errors.Join(lines.Err(), v.cmd.Wait())
}
