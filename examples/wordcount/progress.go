package main

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progressBar shows on a terminal how far a count is; nil is none.
type progressBar struct{ bar *progressbar.ProgressBar }

// newProgressBar returns nil when to is no terminal.
func newProgressBar(to io.Writer) *progressBar {
	f, ok := to.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progressBar{progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(f),
		progressbar.OptionSetDescription("counting"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(),
	)}
}

func (b *progressBar) show(p Progress) {
	if b == nil {
		return
	}
	// One more than there is: a bar that was full once does not go on.
	b.bar.ChangeMax64(p.Found + 1)
	_ = b.bar.Set64(p.Done) // what cannot be shown is no failure of the count
}

// close takes the bar off the terminal.
func (b *progressBar) close() {
	if b != nil {
		_ = b.bar.Clear()
	}
}
