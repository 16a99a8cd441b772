package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A progress is a line at a terminal that says how far it is. Elsewhere it says nothing.
type progress struct {
	to    io.Writer // nil: nowhere
	of    int
	began time.Time
}

const erase = "\r\x1b[K"

func newProgress(to io.Writer, of int) *progress {
	p := &progress{of: of, began: time.Now()}
	if f, ok := to.(*os.File); ok {
		if is, err := f.Stat(); err == nil && is.Mode()&os.ModeCharDevice != 0 {
			p.to = to
		}
	}
	return p
}

func (p *progress) show(done, failed int) {
	if p.to == nil {
		return
	}
	passed := time.Since(p.began)
	left := time.Duration(float64(passed) / float64(done) * float64(p.of-done))
	fmt.Fprintf(p.to, erase+"%d of %d, %d failed, about %v left", done, p.of, failed, left.Round(time.Second))
}

func (p *progress) clear() {
	if p.to != nil {
		fmt.Fprint(p.to, erase)
	}
}
