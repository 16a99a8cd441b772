package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progressBar shows on a terminal how far a count is, and elsewhere nothing.
type progressBar struct {
	to  io.Writer
	mu  sync.Mutex
	bar *progressbar.ProgressBar // nil: to is no terminal
}

func newProgressBar(to io.Writer) *progressBar {
	b := &progressBar{to: to}
	if f, ok := to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.bar = progressbar.NewOptions64(1,
			progressbar.OptionSetWriter(f),
			progressbar.OptionSetDescription("counting"),
			progressbar.OptionShowBytes(true),
			progressbar.OptionShowTotalBytes(true),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth(),
		)
	}
	return b
}

func (b *progressBar) show(p Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil {
		return
	}
	// One more than there is: a bar that was full once does not go on.
	b.bar.ChangeMax64(p.Found + 1)
	_ = b.bar.Set64(p.Done) // what cannot be shown is no failure of the count
}

// say writes a line where the bar was, which comes again below it.
func (b *progressBar) say(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	fmt.Fprintln(b.to, line)
}

// close takes the bar off the terminal.
func (b *progressBar) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
