package soak

import (
	"fmt"
	"regexp"
	"strings"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// numeral is what differs in the reasons of dead letters from one to the next.
var numeral = regexp.MustCompile(`[0-9]+`)

// An undertaker notes all dead letters of its system.
type undertaker struct{ books }

func newUndertaker() actor.Actor { return &undertaker{} }

// Start is a method of actor.Starter.
func (u *undertaker) Start(ctx *actor.Context, args any) error {
	contract, err := actor.As[Contract](args)
	u.id, u.reasons = contract.ID, make(map[string]int)
	ctx.HandleDeadLetters(true)
	return err
}

// Receive is a method of actor.Actor.
func (u *undertaker) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case message.DeadEnvelope:
		u.bury(m)
	case Audit:
		u.forget(m.Settled)
		ctx.Send(ctx.Sender(), u.account())
	}
	return nil
}

func (u *undertaker) bury(m message.DeadEnvelope) {
	switch letter := m.Message.(type) {
	case Parcel:
		what := dead
		if strings.HasPrefix(m.Reason, "it was perhaps delivered") {
			what = perhaps
		}
		u.note(what, letter)
		if m.Reason == "overloaded" || strings.HasPrefix(m.Reason, "too much waits") {
			u.tally(what, letter.Stream).excess++
		}
		u.reasons[numeral.ReplaceAllString(m.Reason, "N")]++
	case Send:
		u.unbegun = append(u.unbegun, letter.Stream)
	case message.PoisonMessage: // whose sender is no more
		if p, ok := letter.Message.(Parcel); ok {
			u.note(back, p)
		}
	default:
		u.reasons[fmt.Sprintf("a %T: %s", letter, m.Reason)]++
	}
}
