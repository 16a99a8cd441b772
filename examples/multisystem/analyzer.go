package main

import (
	"cmp"
	"fmt"
	"slices"

	"thespian.dev/actor"
)

// An analyzer decodes what was encoded, and counts where that was.
type analyzer struct {
	seen   map[Done]bool
	counts map[Count]int // with no number of texts
	wrong  []string
}

func newAnalyzer() actor.Actor {
	return &analyzer{seen: make(map[Done]bool), counts: make(map[Count]int)}
}

func (a *analyzer) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Encoded:
		a.take(m)
		ctx.Send(m.Acceptor, Done{m.Text.Number, m.Encoding, m.System})
	case Report:
		ctx.Send(ctx.Sender(), a.report())
	}
	return nil
}

// take checks and counts a result, once: an encoder that ended may have been followed by another with the same text.
func (a *analyzer) take(m Encoded) {
	what := Done{Number: m.Text.Number, Encoding: m.Encoding}
	if a.seen[what] {
		return
	}
	a.seen[what] = true
	a.counts[Count{System: m.System, Encoding: m.Encoding}]++
	if text, err := codecs[m.Encoding].decode(m.Result); err != nil || text != m.Text.Text {
		a.wrong = append(a.wrong, fmt.Sprintf("%s of text %d by the %s", m.Encoding, m.Text.Number+1, m.System))
	}
}

func (a *analyzer) report() Counts {
	c := Counts{Wrong: a.wrong}
	for what, texts := range a.counts {
		what.Texts = texts
		c.Encoded = append(c.Encoded, what)
	}
	slices.SortFunc(c.Encoded, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Encoding, b.Encoding))
	})
	return c
}
