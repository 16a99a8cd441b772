package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// An era is one life of the system, from a start to an end.
type era struct {
	run    *run
	rng    *rand.Rand
	sys    *system.System
	ledger *ledger

	desk                *desk
	program             *party // whose the desk is
	foreman, undertaker *party
	residents           []*party // who stay for the era: the foreman is one of them
	records             map[string]*record
}

// residentNames are the global names of the residents.
func residentName(i int) string { return fmt.Sprintf("resident %d", i) }

const residents = 3

func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stuck)
}

// begin starts the system, and those who stay.
func (r *run) begin() (*era, error) {
	ctx, cancel := bounded()
	defer cancel()
	sys, err := App().Start(ctx, &system.Options{
		Base: r.options.Base, Lifetime: true, Capabilities: actor.Capabilities{"Admin Port": r.port}, Logger: quiet(),
	})
	if err != nil {
		return nil, err
	}
	e := &era{run: r, rng: r.rng, sys: sys, ledger: newLedger(r.serial, r.count), records: make(map[string]*record)}
	e.program = e.ledger.join("program", nil)
	e.desk = openDesk(sys, e.ledger, e.program)
	e.undertaker = e.ledger.join("undertaker", nil)
	who, err := sys.Create(ctx, "undertaker", actor.CreateOptions{Args: e.contract(e.undertaker)})
	if err != nil {
		return e, err
	}
	e.ledger.locate(e.undertaker, who, 0)
	for {
		status, err := sys.Status(ctx)
		if err != nil {
			return e, err
		}
		if len(status.DeadLetterHandlers) > 0 {
			break
		}
	}
	for i := range residents {
		p := e.ledger.join(spawned, nil)
		if who, err = sys.Create(ctx, spawned, actor.CreateOptions{GlobalName: residentName(i), Args: e.contract(p)}); err != nil {
			return e, err
		}
		e.ledger.locate(p, who, 0)
		e.residents = append(e.residents, p)
	}
	e.foreman = e.residents[0]
	e.auditAll(nil) // which says in which processes they are, that are not to be killed
	return e, nil
}

func (e *era) contract(p *party) Contract { return Contract{ID: p.id, Desk: e.desk.Address()} }

// transients are the workers that live now and do not stay.
func (e *era) transients() []*party {
	return slices.DeleteFunc(e.ledger.with(living), func(p *party) bool {
		return p == e.program || p == e.undertaker || p.who.IsZero() || slices.Contains(e.residents, p)
	})
}

// guests is how many workers there may be beside those who stay.
const guests = 10

// A round is a while of work and harm, after which the accounts are compared.
func (e *era) round() {
	e.run.count(func(t *Totals) { t.Rounds++ })
	var work sync.WaitGroup
	e.createSome(&work)
	work.Wait()
	e.sendSome(&work, true)
	e.visit(&work)
	e.harm()
	work.Wait()
	e.mourn(&work)
	work.Wait()
	e.settle()
}

// createSome has some workers created, by anybody.
func (e *era) createSome(work *sync.WaitGroup) {
	for range min(1+e.rng.IntN(4), guests-len(e.transients())) {
		kind := []string{spawned, spawned, pooled, pooled, thread}[e.rng.IntN(5)]
		name := ""
		creators := append([]*party{nil, nil, e.foreman, e.foreman}, e.transients()...)
		creator := creators[e.rng.IntN(len(creators))]
		stillborn := e.rng.IntN(10) == 0
		if e.rng.IntN(8) == 0 && !stillborn {
			name = "guest"
		}
		first := e.drawStream()
		first.Ask = false
		var parent *party
		if name == "" {
			parent = creator
		}
		p := e.ledger.join(kind, parent)
		contract := e.contract(p)
		contract.Stillborn = stillborn
		if stillborn {
			e.ledger.becomes(p, unborn)
			p.reasons = []string{errStillborn.Error()}
		}
		if name != "" {
			name = fmt.Sprintf("%s %d", name, p.id)
			p.name = name
		}
		e.run.count(func(t *Totals) {
			if stillborn {
				t.Stillborn++
			} else {
				t.Created[kind]++
			}
		})
		work.Go(func() {
			if creator == nil {
				e.create(p, contract)
			} else {
				e.hire(creator, p, contract, first)
			}
		})
	}
}

// create creates a worker of the program's. The foreman watches it.
func (e *era) create(p *party, contract Contract) {
	ctx, cancel := bounded()
	defer cancel()
	who, err := e.sys.Create(ctx, p.kind, actor.CreateOptions{GlobalName: p.name, Args: contract})
	if contract.Stillborn {
		if err == nil || !strings.Contains(err.Error(), errStillborn.Error()) {
			e.ledger.problem("the creation of a stillborn %v: %v", p, err)
		}
		return
	}
	if err != nil {
		e.ledger.problem("the creation of %v: %v", p, err)
		e.ledger.becomes(p, lost)
		return
	}
	e.ledger.locate(p, who, 0)
	e.watch(e.foreman, p)
	if p.name != "" {
		e.checkName(ctx, p)
	}
	e.audit(p, nil)
}

// checkName checks that a named worker is the one that everybody gets by the name.
func (e *era) checkName(ctx context.Context, p *party) {
	e.run.count(func(t *Totals) { t.Lookups++ })
	if found, err := e.sys.Lookup(ctx, p.name); err != nil || found != p.who {
		e.ledger.problem("the name of %v leads to %v, wanted %v: %v", p, found, p.who, err)
	}
	if again, err := system.Ask[Hired](ctx, e.sys, e.foreman.who, Hire{Kind: p.kind, Name: p.name, Contract: e.contract(p)}); err != nil || again.Who != p.who {
		e.ledger.problem("the name of %v was given to %v as well: %v", p, again.Who, err)
	}
}

// hire has a worker create another one, and send to it at once.
func (e *era) hire(creator, p *party, contract Contract, first Send) {
	ctx, cancel := bounded()
	defer cancel()
	order := Hire{Kind: p.kind, Name: p.name, Contract: contract, Then: e.ledger.open(creator, p, first)}
	hired, err := system.Ask[Hired](ctx, e.sys, creator.who, order)
	if err != nil {
		e.ledger.problem("%v was to create %v: %v", creator, p, err)
		e.ledger.becomes(p, lost)
		return
	}
	e.ledger.locate(p, hired.Who, 0)
	if contract.Stillborn {
		return
	}
	if p.name != "" {
		e.watch(e.foreman, p)
	}
	e.audit(p, nil)
}

func (e *era) watch(watcher, watched *party) {
	if watched.parent != watcher && watcher != watched && e.ledger.watch(watcher, watched) {
		e.tell(watcher, Watch{watched.id, watched.who})
	}
}

func (e *era) tell(to *party, msg any) {
	ctx, cancel := bounded()
	defer cancel()
	if err := e.sys.Tell(ctx, to.who, msg); err != nil {
		e.ledger.problem("a tell to %v: %v", to, err)
	}
}

// drawStream returns a stream, without its ends.
func (e *era) drawStream() Send {
	s := Send{Count: 1 + uint32(e.rng.IntN(20_000)), Size: 64}
	switch e.rng.IntN(8) {
	case 0, 1:
		s.Count, s.Size = 1+uint32(e.rng.IntN(4_000)), 1<<10
	case 2:
		s.Count, s.Size = 1+uint32(e.rng.IntN(8)), 1<<20
	case 3, 4:
		s.Count, s.Ask = 1+uint32(e.rng.IntN(400)), true
	case 5:
		s.Count = 1 + uint32(e.rng.IntN(20))
	}
	if e.rng.IntN(4) == 0 {
		s.FailEvery = 1 + s.Count/uint32(1+e.rng.IntN(30))
	}
	return s
}

// sendSome has streams sent, by anybody to anybody.
func (e *era) sendSome(work *sync.WaitGroup, program bool) {
	for range 3 + e.rng.IntN(6) {
		all := append(e.transients(), e.residents...)
		from, to := all[e.rng.IntN(len(all))], all[e.rng.IntN(len(all))]
		s := e.drawStream()
		switch e.rng.IntN(6) {
		case 0, 1:
			from = e.program
		case 2:
			to = e.program
			s.FailEvery = 0 // a program does not fail
		}
		if !program && (from == e.program || to == e.program) {
			continue
		}
		if s.Ask && from != e.program && to != e.program { // of one who will not be killed, as nobody would ever answer
			to = e.residents[e.rng.IntN(len(e.residents))]
		}
		if from == to { // an actor never waits for itself
			s.Ask, s.Count = false, min(s.Count, 1000)
		}
		if from != e.program && e.rng.IntN(4) == 0 && to != e.program {
			e.watch(from, to)
		}
		e.order(work, from, to, s)
	}
}

// order has a stream sent.
func (e *era) order(work *sync.WaitGroup, from, to *party, s Send) {
	order := e.ledger.open(from, to, s)
	work.Go(func() {
		if from == e.program {
			e.desk.send(order, to)
			return
		}
		e.tell(from, order)
	})
}

// visit has a visitor come, now and then.
func (e *era) visit(work *sync.WaitGroup) {
	if e.rng.IntN(3) > 0 {
		return
	}
	p := e.ledger.join("visitor", nil)
	task := errand{Base: e.run.options.Base, Port: e.run.port}
	for i, to := range e.residents {
		s := e.drawStream()
		s.FailEvery, s.Ask = 0, false // nobody is there any more to whom it could come back
		task.Streams = append(task.Streams, e.ledger.open(p, to, s))
		task.Streams[i].To = address.Address{}
		task.Names = append(task.Names, residentName(i))
	}
	harm := e.rng.IntN(2) == 0
	after := time.Duration(e.rng.IntN(300)) * time.Millisecond
	e.run.count(func(t *Totals) {
		t.Visitors++
		if harm {
			t.VisitorsKilled++
		}
	})
	v, err := startVisit(task, p)
	if err != nil {
		e.ledger.problem("a visitor: %v", err)
		e.ledger.becomes(p, lost)
		return
	}
	e.ledger.locate(p, address.Address{}, v.cmd.Process.Pid)
	if harm {
		e.ledger.kills(p)
		work.Go(func() {
			time.Sleep(after)
			_ = v.cmd.Process.Kill()
		})
	}
	work.Go(func() {
		account, err := v.wait()
		if harm {
			return
		}
		if err != nil {
			e.ledger.problem("%v: %v", p, err)
		}
		e.ledger.leaves(p, "")
		e.ledger.enter(account)
	})
}

// harm kills processes and has workers exit.
func (e *era) harm() {
	for range e.rng.IntN(4) {
		after, how, which := time.Duration(e.rng.IntN(200))*time.Millisecond, e.rng.IntN(5), e.rng.IntN(guests)
		time.Sleep(after)
		if all := e.transients(); len(all) > 0 {
			e.end(all[which%len(all)], how)
		}
	}
}

// end ends a worker in one of five ways.
func (e *era) end(p *party, how int) {
	if e.stays(p.pid) {
		how %= 2
	}
	switch {
	case how == 0 && e.ledger.leaves(p, reasonAsked):
		e.tell(p, message.ActorExitRequest{})
	case how == 1 && e.ledger.leaves(p, reasonExit):
		e.tell(p, Leave{})
	case how > 1 && e.ledger.kills(p):
		var err error
		if how == 2 && p.kind != thread {
			ctx, cancel := bounded()
			defer cancel()
			err = e.sys.Kill(ctx, p.who)
		} else {
			err = kill(p.pid, e.run.mark)
		}
		if err != nil {
			e.ledger.problem("the killing of %v: %v", p, err)
		}
		e.run.count(func(t *Totals) { t.Killed++ })
		return
	default:
		return
	}
	e.run.count(func(t *Totals) { t.Left++ })
}

// stays reports whether a process is that of somebody who stays.
func (e *era) stays(pid int) bool {
	return slices.ContainsFunc(append(e.residents, e.undertaker), func(p *party) bool { return p.pid == pid })
}

// mourn waits until the processes that were killed have ended, and sends to who was there: all of that has to be dead letters.
func (e *era) mourn(work *sync.WaitGroup) {
	dead := e.ledger.with(killed)
	dead = slices.DeleteFunc(dead, func(p *party) bool { return p.reaped || p.who.IsZero() })
	for _, p := range dead {
		if !e.poll(func() bool { return !bears(p.pid, e.run.mark) }) {
			e.ledger.problem("%v was killed, and lives", p)
		}
	}
	e.ledger.reap()
	for _, p := range dead {
		if e.rng.IntN(2) == 0 {
			e.order(work, e.program, p, Send{Count: 1 + uint32(e.rng.IntN(100)), Size: 64})
		}
		e.order(work, e.residents[e.rng.IntN(len(e.residents))], p, Send{Count: 1 + uint32(e.rng.IntN(100)), Size: 64})
	}
}

// poll waits until something is so, which should not take long.
func (e *era) poll(is func() bool) bool {
	for began := time.Now(); !is(); time.Sleep(pause) {
		if time.Since(began) > patience {
			return false
		}
	}
	return true
}

const pause = 20 * time.Millisecond

// audit asks a worker for its account.
func (e *era) audit(p *party, settled []uint64) {
	ctx, cancel := bounded()
	defer cancel()
	stop := context.AfterFunc(p.ended, func() { time.AfterFunc(endPatience, cancel) })
	defer stop()
	account, err := system.Ask[Account](ctx, e.sys, p.who, Audit{settled})
	if err == nil {
		e.ledger.enter(account)
	} else if e.ledger.is(p, living) {
		e.ledger.problem("%v gives no account: %v", p, err)
		e.ledger.becomes(p, lost)
	}
}

// settle compares the accounts, until all is in order, or nothing changes any more.
func (e *era) settle() {
	settled := e.ledger.recent
	before, since := uint64(0), time.Now()
	for {
		e.auditAll(settled)
		open, progress := e.ledger.pending()
		if progress != before {
			before, since = progress, time.Now()
		}
		if len(open) == 0 || time.Since(since) > stillness {
			break
		}
		time.Sleep(pause)
	}
	e.ledger.settle()
	e.run.report(e.ledger.problems())
}

// stillness is how long nothing may change before what is open counts as lost.
const stillness = 20 * time.Second

func (e *era) auditAll(settled []uint64) {
	var work sync.WaitGroup
	for _, p := range e.ledger.with(living) {
		switch {
		case p == e.program:
			e.ledger.enter(e.desk.account(settled))
		case !p.who.IsZero():
			work.Go(func() { e.audit(p, settled) })
		}
	}
	work.Wait()
}

// rest has all go who do not stay, and checks that nothing of them is left.
func (e *era) rest() {
	for _, p := range e.transients() {
		e.end(p, e.rng.IntN(5))
	}
	var work sync.WaitGroup
	e.mourn(&work)
	work.Wait()
	e.settle()
	e.settle() // what one killed had on its way
	var left string
	if !e.poll(func() bool { left = e.left(); return left == "" }) {
		e.ledger.problem("%s", left)
	}
	e.sample()
	e.run.report(e.ledger.problems())
}

// waiting is how many processes without an actor of its own a system may have: its pool, and one for all actors that share their creator's.
const waiting = 8 + 1

// left returns what is there beside those who stay, "" if nothing.
func (e *era) left() string {
	ctx, cancel := bounded()
	defer cancel()
	status, err := e.sys.Status(ctx)
	if err != nil {
		return err.Error()
	}
	staying := map[address.Address]bool{e.undertaker.who: true}
	for _, p := range e.residents {
		staying[p.who] = true
	}
	for _, a := range status.Actors {
		if !staying[a.Actor] {
			return fmt.Sprintf("an actor is left: %v, kind %s, process %d", a.Actor, a.Kind, a.PID)
		}
	}
	if len(status.Actors) != len(staying) {
		return fmt.Sprintf("%d actors stay, wanted %d", len(status.Actors), len(staying))
	}
	if n := len(status.GlobalNames); n != residents {
		return fmt.Sprintf("%d names are left, wanted %d", n, residents)
	}
	if here, known := len(marked(e.run.mark)), len(status.Processes)-1; here != known {
		return fmt.Sprintf("there are %d processes, of which the system knows %d", here, known)
	}
	if most := 1 + 1 + len(staying) + waiting; len(status.Processes) > most {
		return fmt.Sprintf("%d processes are left, wanted at most %d", len(status.Processes), most)
	}
	return ""
}

// sample looks at what the processes take that stay.
func (e *era) sample() {
	pids := map[string]int{"admin": e.admin(), "undertaker": e.undertaker.pid}
	for i, p := range e.residents {
		pids[residentName(i)] = p.pid
	}
	for name, pid := range pids {
		s, err := sampleOf(pid)
		if err != nil {
			e.ledger.problem("the %s: %v", name, err)
			continue
		}
		if e.records[name] == nil {
			e.records[name] = &record{}
		}
		e.records[name].add(s)
	}
	e.run.sample()
}

// admin returns the process of the Admin.
func (e *era) admin() int {
	ctx, cancel := bounded()
	defer cancel()
	status, err := e.sys.Status(ctx)
	if err != nil {
		return 0
	}
	for _, p := range status.Processes {
		if p.Role == "admin" {
			return p.PID
		}
	}
	return 0
}

// The ways in which an era ends.
const (
	atRest      = "shut down at rest"
	underLoad   = "shut down under load"
	adminKilled = "Admin killed under load"
)

// finish ends the system.
func (e *era) finish(how string) {
	e.run.count(func(t *Totals) { t.Ends[how]++ })
	admin := e.admin()
	if how != atRest {
		var work sync.WaitGroup
		e.createSome(&work)
		work.Wait()
		e.sendSome(&work, false)
		work.Wait()
	}
	if how == adminKilled {
		if err := kill(admin, e.run.mark); err != nil {
			e.ledger.problem("the killing of the Admin: %v", err)
		}
		select {
		case <-e.sys.Done():
		case <-time.After(patience):
			e.ledger.problem("the Admin was killed, and the program hears nothing of it")
		}
		if err := e.sys.Close(); !errors.Is(err, system.ErrAdminGone) {
			e.ledger.problem("the Admin was killed, and Close says: %v", err)
		}
	} else if err := e.sys.Shutdown(context.Background()); err != nil {
		e.ledger.problem("%s: %v", how, err)
	}
	if e.desk != nil {
		e.desk.close()
	}
	var left []int
	if !e.poll(func() bool { left = marked(e.run.mark); return len(left) == 0 }) {
		e.ledger.problem("%s: processes are left behind: %v", how, left)
		for _, pid := range left {
			_ = kill(pid, e.run.mark)
		}
	}
	for name, r := range e.records {
		for _, problem := range r.problems(name) {
			e.ledger.problem("%s", problem)
		}
	}
	e.ledger.close()
	e.run.report(e.ledger.problems())
	e.run.keep(e.records)
	e.run.serial = e.ledger.serial
}
