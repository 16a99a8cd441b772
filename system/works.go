package system

import (
	"fmt"
	"sync"
)

// works counts for each actor what runs beside it: functions of Context.Go, and watches of files.
type works struct {
	mu sync.Mutex
	of map[*cell]int
}

func (n *node) beginWork(c *cell) {
	n.goroutines.begin()
	n.works.count(c, 1)
	n.countWork(1)
}

func (n *node) endWork(c *cell) {
	n.countWork(-1)
	n.works.count(c, -1)
	n.goroutines.end()
}

func (ws *works) count(c *cell, by int) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.of == nil {
		ws.of = make(map[*cell]int)
	}
	if ws.of[c] += by; ws.of[c] == 0 {
		delete(ws.of, c)
	}
}

// left names what has not ended.
func (ws *works) left() []string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var all []string
	for c := range ws.of {
		all = append(all, fmt.Sprintf("a function of Context.Go of %v (%s)", c.self, c.kind.Name))
	}
	return all
}
