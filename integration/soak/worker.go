package soak

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// A worker sends and receives parcels, and creates and watches others.
type worker struct {
	books
	desk    address.Address
	known   map[address.Address]uint64
	leaving bool
}

func newWorker() actor.Actor { return &worker{known: make(map[address.Address]uint64)} }

var (
	errStillborn = errors.New("stillborn on purpose")
	errOnPurpose = errors.New("failed on purpose")
)

// Start is a method of actor.Starter.
func (w *worker) Start(ctx *actor.Context, args any) error {
	contract, err := actor.As[Contract](args)
	if err != nil {
		return err
	}
	w.id, w.desk = contract.ID, contract.Desk
	if contract.Stillborn {
		return errStillborn
	}
	return nil
}

// Receive is a method of actor.Actor.
func (w *worker) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Parcel:
		if w.receive(m) {
			return errOnPurpose
		}
		if m.Ask {
			ctx.Send(ctx.Sender(), Receipt{m.Stream, m.Number})
		}
	case Send:
		w.send(ctx, m)
	case Hire:
		child := ctx.Create(m.Kind, actor.CreateOptions{GlobalName: m.Name, Args: m.Contract})
		w.known[child] = m.Contract.ID
		ctx.Send(ctx.Sender(), Hired{child})
		if m.Then.Stream != 0 {
			m.Then.To = child
			w.send(ctx, m.Then)
		}
	case Watch:
		w.known[m.Who] = m.ID
		ctx.Watch(m.Who)
	case Audit:
		w.forget(m.Settled)
		ctx.Send(ctx.Sender(), w.account())
	case Leave:
		w.leave(ctx)
		ctx.Exit()
	case message.ActorExitRequest:
		w.leave(ctx)
	case message.ChildActorExited:
		w.notice(ctx, m.Child, true, m.Reason)
	case message.ActorExited:
		w.notice(ctx, m.Actor, false, m.Reason)
	case message.PoisonMessage:
		w.returned(m)
		w.correct(ctx)
	default:
		w.strange("%T", msg)
	}
	return nil
}

func (w *worker) notice(ctx *actor.Context, who address.Address, child bool, reason string) {
	id := w.known[who]
	if id == 0 {
		w.strange("a notice of the end of %v, who is not known", who)
	}
	w.notices = append(w.notices, Notice{id, child, reason})
	w.correct(ctx)
}

// leave gives the last account, before the worker exits.
func (w *worker) leave(ctx *actor.Context) {
	w.leaving = true
	w.correct(ctx)
}

// correct gives the last account again when something has come since.
func (w *worker) correct(ctx *actor.Context) {
	if w.leaving {
		last := w.account()
		last.Final = true
		ctx.Send(w.desk, last)
	}
}

func (w *worker) send(ctx *actor.Context, m Send) {
	s := w.sending(m.Stream)
	if m.Ask {
		w.ask(ctx, m, s)
		return
	}
	body := m.body()
	for s.Count < m.Count {
		s.Count++
		ctx.Send(m.To, m.parcel(s.Count, body))
	}
	s.Done = true
}

// patience is how long an answer may take. Those who are asked by workers are not killed.
const patience = time.Minute

// ask sends the next parcel of a stream, and the others when it was answered.
func (w *worker) ask(ctx *actor.Context, m Send, s *Sent) {
	if s.Count == m.Count {
		s.Done = true
		return
	}
	s.Count++
	asked := m.parcel(s.Count, m.body())
	ctx.Request(m.To, asked, patience, func(reply any, err error) error {
		w.answered(s, asked, reply, err)
		w.ask(ctx, m, s)
		return nil
	})
}

// answered notes the answer to a parcel.
func (b *books) answered(s *Sent, asked Parcel, reply any, err error) {
	var poison message.PoisonMessage
	switch receipt, _ := reply.(Receipt); {
	case err == nil && receipt == Receipt{asked.Stream, asked.Number}:
		s.Answered++
	case errors.As(err, &poison):
		b.returned(poison)
		s.Refused++
	case err != nil:
		s.Refused++
		if len(s.Wrong) < mistakes {
			s.Wrong = append(s.Wrong, fmt.Sprintf("number %d: %v", asked.Number, err))
		}
	default:
		b.strange("the answer to number %d of stream %d is %v", asked.Number, asked.Stream, reply)
	}
}

func (m Send) body() []byte { return bytes.Repeat([]byte{byte(m.Stream)}, m.Size) }

func (m Send) parcel(number uint32, body []byte) Parcel {
	return Parcel{Stream: m.Stream, Number: number, Fail: m.FailEvery > 0 && number%m.FailEvery == 0, Ask: m.Ask, Body: body}
}
