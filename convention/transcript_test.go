package convention_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"thespian.dev/convention"
	"thespian.dev/message"
)

// The transcripts in testdata show what systems do. A line that begins with # says what follows, one with > is something that happens:
//
//	> start L at host1:1900                       a system starts
//	> start M at host2:1900 leaders=host1:1900    one that knows its leaders; "at nowhere": nobody can connect to it
//	> start N at host3:1900,net3:1900             one with several addresses, of which it tells the first
//	> hide net3:1900 | show net3:1900             nothing passes by way of an address, or again
//	> kill L | leave L                            one is killed, or shut down
//	> cut L M | heal L M                          nothing passes between two, or again
//	> break L M                                   the connection of two is reset
//	> pause M 20s                                 a machine stands still
//	> preregister L host2:1900 | deregister L host2:1900
//	> offer M GPU | withdraw M GPU                a system has a capability, or not any more
//	> post L M text                               an Admin has something to say to another
//	> again L M | late L M 5ms                    what one said to the other last arrives once more; what it says next comes late, behind what follows
//	> clock M 1h | clock M -1h                    a clock is put forward, or back
//	> run 10s                                     time passes
//
// and the other lines are what the systems do, with the time in seconds. Heartbeats are left out. Write them with
//
//	go test ./convention -run Transcripts -update
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	assert.NilError(t, err)
	assert.Assert(t, len(files) >= 25)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			assert.NilError(t, err)
			golden.Assert(t, replay(t, string(text)), filepath.Base(file))
		})
	}
}

func replay(t *testing.T, text string) string {
	var b strings.Builder
	w := newWorld(1)
	w.log = func(line string) { b.WriteString(line + "\n") }
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		input, is := strings.CutPrefix(line, "> ")
		if is || strings.HasPrefix(line, "#") || line == "" {
			b.WriteString(line + "\n")
		}
		if is {
			step(t, w, strings.Fields(input))
		}
	}
	return b.String()
}

func step(t *testing.T, w *world, words []string) {
	t.Helper()
	find := func(i int) *system {
		s := w.systems[words[i]]
		assert.Assert(t, s != nil, "%v: no system %s", words, words[i])
		return s
	}
	duration := func(i int) time.Duration {
		d, err := time.ParseDuration(words[i])
		assert.NilError(t, err)
		return d
	}
	now := func(s *system, call func(c *convention.Core, now time.Time) []convention.Output) {
		s.input(func() []convention.Output { return call(s.core, s.now()) })
	}
	switch words[0] {
	case "start":
		var leaders []string
		if len(words) > 4 {
			leaders = strings.Split(strings.TrimPrefix(words[4], "leaders="), ",")
		}
		at := words[3]
		if at == "nowhere" {
			at = ""
		}
		w.start(words[1], at, leaders, nil)
	case "kill":
		w.kill(find(1))
	case "leave":
		s := find(1)
		now(s, func(c *convention.Core, now time.Time) []convention.Output { return c.Leave(now) })
		w.after(2*w.latency, func() { w.kill(s) })
	case "cut", "heal":
		w.cut[pairOf(find(1), find(2))] = words[0] == "cut"
	case "break":
		a, b := find(1), find(2)
		w.breakAll(func(c *cable) bool { return c.ends == [2]*system{a, b} || c.ends == [2]*system{b, a} }, nil)
	case "hide", "show":
		w.hidden[words[1]] = words[0] == "hide"
	case "again":
		arrive := w.said[[2]*system{find(1), find(2)}]
		assert.Assert(t, arrive != nil, "%v: it has said nothing", words)
		w.after(w.latency, arrive)
	case "late":
		w.late[[2]*system{find(1), find(2)}] = duration(3)
	case "clock":
		find(1).clock += duration(2)
	case "pause":
		find(1).pause(duration(2))
	case "preregister":
		now(find(1), func(c *convention.Core, now time.Time) []convention.Output { return c.PreRegister(now, words[2]) })
	case "deregister":
		now(find(1), func(c *convention.Core, now time.Time) []convention.Output {
			do, was := c.DeRegister(now, words[2])
			assert.Assert(t, was)
			return do
		})
	case "offer", "withdraw":
		s := find(1)
		capabilities := s.core.Self().Capabilities.Clone()
		if capabilities == nil {
			capabilities = message.Capabilities{}
		}
		delete(capabilities, words[2])
		if words[0] == "offer" {
			capabilities[words[2]] = true
		}
		now(s, func(c *convention.Core, now time.Time) []convention.Output {
			return c.SetCapabilities(now, capabilities)
		})
	case "post":
		to := find(2)
		now(find(1), func(c *convention.Core, now time.Time) []convention.Output {
			return c.Post(now, to.number, strings.Join(words[3:], " "))
		})
	case "run":
		w.run(duration(1))
	default:
		t.Fatalf("%v: what is that?", words)
	}
}
