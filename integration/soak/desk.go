package soak

import (
	"context"
	"sync"
	"time"

	"thespian.dev/message"
	"thespian.dev/system"
)

// A desk is a place of the program that sends and receives as workers do. It takes their last accounts, too.
type desk struct {
	*system.Endpoint
	ledger *ledger
	mu     sync.Mutex
	books  books
	closed chan struct{}
}

func openDesk(sys *system.System, l *ledger, p *party) *desk {
	d := &desk{Endpoint: sys.Private(), ledger: l, books: books{id: p.id}, closed: make(chan struct{})}
	l.locate(p, d.Address(), 0)
	go d.listen()
	return d
}

func (d *desk) listen() {
	defer close(d.closed)
	for {
		msg, sender, err := d.Listen(context.Background())
		if err != nil {
			return
		}
		switch m := msg.(type) {
		case Parcel:
			d.mu.Lock()
			d.books.receive(m)
			d.mu.Unlock()
			if m.Ask {
				_ = d.Tell(context.Background(), sender, Receipt{m.Stream, m.Number})
			}
		case message.PoisonMessage:
			d.mu.Lock()
			d.books.returned(m)
			d.mu.Unlock()
		case Account:
			d.ledger.enter(m)
		case Receipt: // of a question that was given up
		default:
			d.ledger.problem("the program got a %T", msg)
		}
	}
}

func (d *desk) close() {
	_ = d.Close()
	<-d.closed
}

func (d *desk) account(settled []uint64) Account {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.books.forget(settled)
	return d.books.account()
}

// stuck is how long anything may take before it counts as lost.
const stuck = 2 * time.Minute

// send sends a stream.
func (d *desk) send(m Send, to *party) {
	if m.Ask {
		d.ask(m, to)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stuck)
	defer cancel()
	body := m.body()
	for n := range m.Count {
		if err := d.Tell(ctx, m.To, m.parcel(n+1, body)); err != nil {
			d.ledger.problem("a program's tell to %v: %v", to, err)
			return
		}
		d.mu.Lock()
		d.books.sending(m.Stream).Count = n + 1
		d.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.books.sending(m.Stream).Done = true
}

// ask asks, one after the other, until all are answered. What was asked of somebody who ends then is not waited for.
func (d *desk) ask(m Send, to *party) {
	body := m.body()
	for n := range m.Count {
		ctx, cancel := context.WithTimeout(context.Background(), stuck)
		stop := context.AfterFunc(to.ended, func() { time.AfterFunc(endPatience, cancel) })
		asked := m.parcel(n+1, body)
		reply, err := d.Ask(ctx, m.To, asked)
		stop()
		cancel()
		d.mu.Lock()
		s := d.books.sending(m.Stream)
		s.Count = n + 1
		d.books.answered(s, asked, reply, err)
		d.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.books.sending(m.Stream).Done = true
}

// endPatience is how long an answer is waited for when the one who was asked has ended. It may be on its way.
const endPatience = time.Second
