package system

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
)

// A pipeLauncher launches hosts that are in this process and end when their lifelines do.
type pipeLauncher struct {
	launched chan net.Conn
	unknown  error // why programs have no executable; nil: they have
}

type pipeHost struct{}

// noExecutable is one where nothing is executed.
type noExecutable struct{}

func (noExecutable) Close() error                        { return nil }
func (e noExecutable) announcedBy(executable) executable { return e }

func (l pipeLauncher) identify(net.Conn, admin.Announce) (string, executable, error) {
	return "build", noExecutable{}, l.unknown
}

func (l pipeLauncher) pair() (net.Conn, lifelineEnd, error) {
	ours, theirs := net.Pipe()
	host, inherited := net.Pipe()
	go func() { // what a socket would keep until somebody reads
		_, _ = io.Copy(host, theirs)
		_ = host.Close()
	}()
	go func() {
		_, _ = io.Copy(theirs, host)
		_ = theirs.Close()
	}()
	l.launched <- inherited
	return ours, io.NopCloser(nil), nil
}

func (l pipeLauncher) launch(executable, string, lifelineEnd, func(bool, []byte)) (host, error) {
	return pipeHost{}, nil
}

func (pipeHost) kill()        {}
func (pipeHost) drain()       {}
func (pipeHost) wait() string { return "its process has ended" }

// hear returns the next message of a type on a lifeline.
func hear[T any](t *testing.T, l *lifeline) T {
	t.Helper()
	for {
		msg, err := l.receive()
		assert.NilError(t, err)
		if m, ok := msg.(T); ok {
			return m
		}
	}
}

// The bubble reports whatever goroutine is left when the test ends.
func TestNothingIsLeftOfAHostThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		number := uint64(1)
		l := pipeLauncher{launched: make(chan net.Conn, 1)}
		s := newAdminShell(admin.Options{System: 1, Process: number, Admin: address.Of(record.New(record.ID{System: 1, Process: 1, Counter: 1})),
			Number: func() uint64 { number++; return number }}, l, slog.New(slog.DiscardHandler))
		over := make(chan struct{})
		go func() {
			s.run()
			close(over)
		}()
		ours, theirs := net.Pipe()
		s.attach(theirs)
		program := newLifeline(ours, s.messages)
		hear[admin.Welcome](t, program)
		assert.NilError(t, program.send(admin.Announce{Request: 1, Endpoint: "here", Kinds: []admin.Kind{{Name: "k"}}}))
		hear[admin.Done](t, program)

		child := address.Of(record.New(record.ID{System: 1, Process: 2, Counter: 1}))
		assert.NilError(t, program.send(admin.Create{Request: 2, Child: child, Kind: "k"}))
		inherited := <-l.launched
		frame := make([]byte, 16) // the host begins, and ends before it said a word
		_, err := io.ReadFull(inherited, frame)
		assert.NilError(t, err)
		go func() { _, _ = io.Copy(io.Discard, inherited) }()
		synctest.Wait()
		_ = inherited.Close()
		assert.Equal(t, hear[admin.Created](t, program).Failure.Text, "its process has ended")
		synctest.Wait()
		lines := make(chan int, 1)
		s.post(func(time.Time) []admin.Output {
			lines <- len(s.lines)
			return nil
		})
		assert.Equal(t, <-lines, 1, "the program's")

		assert.NilError(t, program.send(admin.Shutdown{Request: 3}))
		hear[admin.Ending](t, program)
		program.close()
		<-over
	})
}

func TestProgramIsToldThatItsExecutableCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		number := uint64(1)
		s := newAdminShell(admin.Options{System: 1, Process: number, Admin: address.Of(record.New(record.ID{System: 1, Process: 1, Counter: 1})),
			Number: func() uint64 { number++; return number }}, pipeLauncher{unknown: errors.New("it cannot be read")}, slog.New(slog.DiscardHandler))
		over := make(chan struct{})
		go func() {
			s.run()
			close(over)
		}()
		ours, theirs := net.Pipe()
		s.attach(theirs)
		program := newLifeline(ours, s.messages)
		hear[admin.Welcome](t, program)
		assert.NilError(t, program.send(admin.Announce{Request: 7, Endpoint: "here"}))
		assert.Equal(t, hear[admin.Done](t, program), admin.Done{Request: 7, Failure: admin.Failure{Code: admin.CodeFailed, Text: "it cannot be read"}})
		program.close()
		s.post(func(now time.Time) []admin.Output { return s.core.Shutdown(now, 0) })
		<-over
	})
}

// Who says much waits while another process does not keep up with what it is told, and no longer than that may take.
func TestWhoSaysMuchWaitsForWhoIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAdminShell(admin.Options{System: 1, Process: 1, Admin: address.Of(record.New(record.ID{System: 1, Process: 1, Counter: 1}))}, nil, slog.New(slog.DiscardHandler))
		over := make(chan struct{})
		go func() {
			s.run()
			close(over)
		}()
		const slow, talks = 7, 8
		ends := make(map[uint64]*lifeline)
		for _, number := range []uint64{slow, talks} {
			ours, theirs := net.Pipe()
			ends[number] = newLifeline(ours, s.messages)
			s.attachOwn(number, theirs)
		}
		crowd := func() {
			s.post(func(time.Time) []admin.Output {
				for range 2 {
					assert.Check(t, s.lines[slow].send(admin.Print{Text: make([]byte, crowd*2/3)}))
				}
				return nil
			})
			synctest.Wait()
		}
		talk := func() (unheard int) {
			for range 3 {
				assert.NilError(t, ends[talks].send(admin.Print{Text: make([]byte, 2*maxOffer)}))
			}
			synctest.Wait()
			return ends[talks].waiting()
		}

		assert.Equal(t, talk(), 0)
		crowd()
		assert.Assert(t, talk() > 0)
		hear[admin.Print](t, ends[slow])
		synctest.Wait()
		assert.Equal(t, ends[talks].waiting(), 0)
		hear[admin.Print](t, ends[slow])

		crowd()
		assert.Assert(t, talk() > 0)
		time.Sleep(patience)
		synctest.Wait()
		assert.Equal(t, ends[talks].waiting(), 0)
		assert.Equal(t, talk(), 0, "it is not waited for again")

		for _, end := range ends {
			end.close()
		}
		s.post(func(now time.Time) []admin.Output { return s.core.Shutdown(now, 0) })
		<-over
	})
}
