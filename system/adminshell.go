package system

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"thespian.dev/admin"
	"thespian.dev/message"
)

// An adminShell runs the Admin's core: it reads the lifelines of all processes and the clock, and does what the core decides. One goroutine works with the core.
type adminShell struct {
	core     *admin.Core
	log      *slog.Logger
	messages *message.Registry // of control messages
	launcher launcher
	meeting  *meeting // nil: the system meets no others

	audience *audience

	events   chan func(now time.Time) []admin.Output
	finished chan struct{} // closed when the core has decided that all is over
	readers  sync.WaitGroup
	outputs  sync.WaitGroup // of hosts, which are handed on

	// Of the loop's goroutine.
	lines    map[uint64]*lifeline
	hosts    map[uint64]host
	doomed   map[uint64]struct{} // hosts to be killed once they have been launched
	programs map[uint64]string   // the build of each attached program
	builds   map[string]executable
}

// A launcher makes hosts come to be.
type launcher interface {
	// identify returns the executable at the other end of a program's lifeline, with a name that no other content has.
	identify(conn net.Conn, said admin.Announce) (name string, exe executable, err error)
	// launch starts a host. Its lifeline has been made already: the host gets the other end.
	launch(exe executable, title string, end lifelineEnd, printed func(stderr bool, text []byte)) (host, error)
	// pair returns the two ends of a new lifeline.
	pair() (ours net.Conn, theirs lifelineEnd, err error)
}

// An executable is what a launcher starts hosts from, as the last program of it has announced: with its arguments, environment and working folder.
type executable interface {
	Close() error
	// announcedBy returns the same, as another program of it has announced. Of the two only what is returned is to be closed.
	announcedBy(other executable) executable
}

// A lifelineEnd is the end of a lifeline that a new host gets.
type lifelineEnd interface{ Close() error }

// A host is a process that was launched.
type host interface {
	// kill ends it at once.
	kill()
	// wait waits for its end, and says how it ended.
	wait() string
	// drain waits, when it has ended, until what it has printed was handed on.
	drain()
}

func newAdminShell(o admin.Options, l launcher, log *slog.Logger) *adminShell {
	return &adminShell{
		core: admin.New(time.Now(), o), audience: new(audience), log: log, messages: controlMessages(), launcher: l,
		events: make(chan func(time.Time) []admin.Output, 256), finished: make(chan struct{}),
		lines: make(map[uint64]*lifeline), hosts: make(map[uint64]host), doomed: make(map[uint64]struct{}), programs: make(map[uint64]string), builds: make(map[string]executable),
	}
}

// run works until the core has finished.
func (s *adminShell) run() {
	for over := false; !over; {
		var due <-chan time.Time
		if at, any := s.next(); any {
			due = time.After(time.Until(at))
		}
		select {
		case event := <-s.events:
			over = s.perform(event(time.Now()))
		case now := <-due:
			over = s.perform(s.tick(now))
		}
	}
	if s.meeting != nil {
		s.meeting.leave()
	}
	close(s.finished)
	s.outputs.Wait()
	for _, line := range s.lines {
		line.expire(lastWords)
	}
	for _, line := range s.lines {
		line.shut()
	}
	if s.meeting != nil {
		s.meeting.end()
	}
	s.readers.Wait()
	for _, exe := range s.builds {
		_ = exe.Close()
	}
}

// next returns when tick is to be called.
func (s *adminShell) next() (at time.Time, any bool) {
	at, any = s.core.Next()
	if s.meeting != nil {
		if other, due := s.meeting.core.Next(); due && (!any || other.Before(at)) {
			at, any = other, true
		}
	}
	return at, any
}

// tick has the cores do what is due.
func (s *adminShell) tick(now time.Time) []admin.Output {
	var do []admin.Output
	if at, any := s.core.Next(); any && !now.Before(at) {
		do = s.core.Tick(now)
	}
	if s.meeting != nil {
		if at, any := s.meeting.core.Next(); any && !now.Before(at) {
			do = append(do, s.meeting.perform(s.meeting.core.Tick(now))...)
		}
	}
	return do
}

// lastWords is how long a process has to read what the Admin says in the end.
const lastWords = time.Second

// post has something happen on the loop's goroutine, unless all is over.
func (s *adminShell) post(event func(now time.Time) []admin.Output) bool {
	select {
	case s.events <- event:
		return true
	case <-s.finished:
		return false
	}
}

// perform does what the core decided, and reports whether that was the end.
func (s *adminShell) perform(decisions []admin.Output) (over bool) {
	for len(decisions) > 0 {
		decision := decisions[0]
		decisions = decisions[1:]
		switch d := decision.(type) {
		case admin.Tell:
			if line := s.lines[d.To]; line != nil {
				if _, relayed := d.Message.(admin.Relayed); relayed && line.waiting() > maxRelayed {
					s.log.Warn("a process does not read: what others have relayed to it is lost", "process", d.To)
					continue
				}
				if err := line.send(d.Message); err != nil {
					s.log.Error("a process cannot be told what it has to know", "process", d.To, "error", err)
				}
			}
		case admin.Launch:
			s.launch(d)
		case admin.Kill:
			if h := s.hosts[d.Process]; h != nil {
				h.kill()
			} else if s.lines[d.Process] != nil {
				s.doomed[d.Process] = struct{}{}
			}
		case admin.Discard:
			if exe := s.builds[d.Build]; exe != nil {
				_ = exe.Close()
				delete(s.builds, d.Build)
			}
		case admin.Finish:
			over = true
		default:
			if s.meeting != nil {
				decisions = append(s.meeting.decided(d), decisions...)
			}
		}
	}
	return over
}

// attach serves a program that has connected.
func (s *adminShell) attach(conn net.Conn) {
	taken := s.post(func(time.Time) []admin.Output {
		number, do := s.core.Attached()
		s.adopt(number, conn)
		return do
	})
	if !taken {
		_ = conn.Close()
	}
}

// attachOwn serves the Admin's own node.
func (s *adminShell) attachOwn(number uint64, conn net.Conn) {
	s.post(func(time.Time) []admin.Output {
		s.adopt(number, conn)
		return nil
	})
}

func (s *adminShell) adopt(number uint64, conn net.Conn) {
	line := newLifeline(conn, s.messages)
	s.lines[number] = line
	s.readers.Go(func() {
		s.read(number, line, conn)
		s.gone(number, "the program has ended")
	})
}

// read hands what a process says to the core, until the end of its lifeline.
func (s *adminShell) read(number uint64, line *lifeline, conn net.Conn) {
	for looked := 0; ; {
		msg, err := line.receive()
		if err != nil {
			return
		}
		announced, first := msg.(admin.Announce)
		var exe executable
		if first && conn != nil {
			if announced.Build, exe, err = s.launcher.identify(conn, announced); err != nil {
				s.log.Error("a program's executable cannot be found", "error", err)
				if err := line.send(admin.Done{Request: announced.Request, Failure: failureOf(err)}); err != nil {
					return
				}
				continue // it closes the lifeline
			}
			msg = announced
		}
		if m, ok := msg.(admin.Printed); ok {
			s.audience.written(number, m.Bytes)
			continue
		}
		s.post(func(now time.Time) []admin.Output {
			if exe != nil {
				s.learn(number, announced.Build, exe)
				s.audience.join(number, announced.Build, line)
			}
			return s.core.Received(now, number, msg)
		})
		if line.received-looked > maxOffer {
			looked = line.received
			s.giveWay(line)
		}
	}
}

// patience is how long those who say much wait for a process, or another system, that does not keep up with what it is told.
const patience = 10 * time.Second

// giveWay waits while others do not keep up with what they are told, which is mostly what processes such as this one have said. One that itself does not keep up is heard, as it may
// have to say something before it goes on.
func (s *adminShell) giveWay(line *lifeline) {
	found := make(chan []*lifeline, 1)
	if line.crowded() || !s.post(func(time.Time) []admin.Output {
		found <- s.crowded()
		return nil
	}) {
		return
	}
	select {
	case lines := <-found:
		for _, other := range lines {
			other.ease(patience)
		}
	case <-s.finished:
	}
}

// crowded returns the connections on which much waits.
func (s *adminShell) crowded() (lines []*lifeline) {
	for _, line := range s.lines {
		if line.crowded() {
			lines = append(lines, line)
		}
	}
	if s.meeting != nil {
		for _, line := range s.meeting.links {
			if line.crowded() {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// learn keeps the executable of a build, once, and as its last program was started.
func (s *adminShell) learn(number uint64, build string, exe executable) {
	s.programs[number] = build
	if known := s.builds[build]; known != nil {
		exe = known.announcedBy(exe)
	}
	s.builds[build] = exe
}

// gone tells the core that a process has ended, behind all that it said.
func (s *adminShell) gone(number uint64, reason string) {
	s.audience.leave(number)
	s.post(func(now time.Time) []admin.Output {
		if line := s.lines[number]; line != nil {
			line.close()
		}
		delete(s.lines, number)
		delete(s.hosts, number)
		delete(s.doomed, number)
		delete(s.programs, number)
		return s.core.Gone(now, number, reason)
	})
}

// launch starts a host. What the core tells it meanwhile waits in its lifeline.
func (s *adminShell) launch(d admin.Launch) {
	ours, theirs, err := s.launcher.pair()
	if err != nil {
		s.readers.Go(func() { s.gone(d.Process, fmt.Sprintf("its process could not be started: %v", err)) })
		return
	}
	if err := writeControl(ours, s.messages, role{}); err != nil {
		s.log.Error("a host cannot be told what it is", "error", err)
	}
	line := newLifeline(ours, s.messages)
	s.lines[d.Process] = line
	exe := s.builds[d.Build]
	s.outputs.Add(1)
	s.readers.Go(func() {
		defer s.outputs.Done()
		h, err := s.launcher.launch(exe, d.Title, theirs, func(stderr bool, text []byte) { s.printed(d.Build, stderr, text) })
		_ = theirs.Close()
		if err != nil {
			s.gone(d.Process, fmt.Sprintf("its process could not be started: %v", err))
			return
		}
		s.post(func(time.Time) []admin.Output {
			s.hosts[d.Process] = h
			if _, doomed := s.doomed[d.Process]; doomed {
				h.kill()
			}
			return nil
		})
		s.read(d.Process, line, nil)
		s.gone(d.Process, endOf(h))
		h.drain()
	})
}

// lifelineGrace is how long a process may live on without its lifeline.
const lifelineGrace = 2 * time.Second

// endOf waits for the end of a host whose lifeline has ended, and makes it come about if need be.
func endOf(h host) string {
	kill := time.AfterFunc(lifelineGrace, h.kill)
	defer kill.Stop()
	return h.wait()
}

// printed passes on what a host has printed: to the attached programs of its build, for which it waits, else to the log.
func (s *adminShell) printed(build string, stderr bool, text []byte) {
	if !s.audience.print(build, admin.Print{Error: stderr, Text: text}) {
		s.log.Info("printed by an actor's process", "text", strings.TrimRight(string(text), "\n"))
	}
}
