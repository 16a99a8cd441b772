package command

import (
	"fmt"
	"os"

	"thespian.dev/benchmarks/internal/contest"
)

// A progressLine says on a terminal where a run is. On anything else it says nothing.
type progressLine struct{ terminal *os.File }

func newProgressLine(to *os.File) *progressLine {
	if info, err := to.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		to = nil
	}
	return &progressLine{to}
}

// newLine goes to the line's begin and clears it.
const newLine = "\r\x1b[K"

func (l *progressLine) show(p contest.Progress) {
	if l.terminal != nil {
		fmt.Fprintf(l.terminal, "%s[%d/%d] %s: %s", newLine, p.Done+1, p.Total, p.Work, p.Contestant)
	}
}

func (l *progressLine) clear() {
	if l.terminal != nil {
		fmt.Fprint(l.terminal, newLine)
	}
}
