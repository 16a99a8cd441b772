package system

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"thespian.dev/admin"
)

// An audience are the attached programs of a system, to which goes what its processes print. A program is sent no more than it has room for, and says what it has written: whoever prints more waits, as for a pipe that nobody reads.
// For a program that writes nothing at all for a time nobody waits until it goes on. What is printed meanwhile is left out, and it is told how much that was.
type audience struct {
	mu        sync.Mutex
	listeners map[uint64]*listener // by process
}

type listener struct {
	build     string
	line      *lifeline
	unwritten int           // bytes that it was sent and has not written
	change    chan struct{} // closed when that gets less, or the program leaves
	late      bool          // nobody waits for it
	leftOut   int           // bytes
}

// printWindow is how many bytes a program is sent before it has written them.
const printWindow = 1 << 20

func (a *audience) join(process uint64, build string, line *lifeline) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listeners == nil {
		a.listeners = make(map[uint64]*listener)
	}
	a.listeners[process] = &listener{build: build, line: line, change: make(chan struct{})}
}

func (a *audience) leave(process uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.listeners[process]; l != nil {
		delete(a.listeners, process)
		close(l.change)
	}
}

// written is called when a program has written so many bytes.
func (a *audience) written(process uint64, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.listeners[process]
	if l == nil || n <= 0 {
		return
	}
	l.unwritten = max(0, l.unwritten-n)
	l.late = false
	close(l.change)
	l.change = make(chan struct{})
}

// print tells the programs of a build what was printed, and reports whether any was told. It waits for those that have no room.
func (a *audience) print(build string, p admin.Print) (heard bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, process := range slices.Sorted(maps.Keys(a.listeners)) {
		if l := a.listeners[process]; l != nil && l.build == build {
			heard = a.tell(process, l, p) || heard
		}
	}
	return heard
}

// mention tells all programs something, unless they have much to write already. It waits for nobody.
func (a *audience) mention(text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.listeners {
		if l.unwritten <= printWindow {
			l.unwritten += len(text)
			_ = l.line.send(admin.Print{Error: true, Text: text})
		}
	}
}

// tell is print for one program. The lock is held, and let go while it waits.
func (a *audience) tell(process uint64, l *listener, p admin.Print) bool {
	for l.unwritten > printWindow && !l.late && a.listeners[process] == l {
		change := l.change
		a.mu.Unlock()
		timer := time.NewTimer(patience)
		wrote := true
		select {
		case <-change:
		case <-timer.C:
			wrote = false
		}
		timer.Stop()
		a.mu.Lock()
		l.late = l.late || !wrote && l.change == change
	}
	switch {
	case a.listeners[process] != l:
		return false
	case l.unwritten > printWindow:
		l.leftOut += len(p.Text)
		return false
	case l.leftOut > 0:
		text := fmt.Appendf(nil, "thespian: %d bytes that actors have printed are left out, for this program wrote nothing of what came before for %v\n", l.leftOut, patience)
		l.leftOut = 0
		l.unwritten += len(text)
		_ = l.line.send(admin.Print{Error: true, Text: text})
	}
	l.unwritten += len(p.Text)
	return l.line.send(p) == nil
}
