package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"thespian.dev/integration/soak"
)

// A statusLine shows on a terminal how far a soak is. Problems are written above it.
type statusLine struct {
	to    io.Writer
	shown bool
	mu    sync.Mutex
}

const erase = "\r\x1b[K"

func (l *statusLine) progress(r soak.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	passed := time.Duration(r.Seconds) * time.Second
	fmt.Fprintf(l.to, erase+"%v  seed %d  era %d  round %d  %d processes  %.1f M delivered  %d k dead letters  %d killed  %d problems",
		passed, r.Seed, r.Eras, r.Rounds, r.Processes, float64(r.Delivered)/1e6, (r.Dead+r.Perhaps)/1e3, r.Killed, len(r.Problems))
}

func (l *statusLine) problem(text string) {
	l.clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.to, "problem:", text)
}

func (l *statusLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		fmt.Fprint(l.to, erase)
	}
}
