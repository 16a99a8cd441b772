package convention_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention"
	"thespian.dev/message"
)

// times are the settings that docs/conventions.md lists, and where they go.
var times = []struct {
	capability, variable string
	of                   func(convention.Timing) time.Duration
}{
	{"Convention Heartbeat", "CONVENTION_HEARTBEAT", func(t convention.Timing) time.Duration { return t.Heartbeat }},
	{"Convention Grace", "CONVENTION_GRACE", func(t convention.Timing) time.Duration { return t.Grace }},
	{"Convention Reregistration Period", "CONVENTION_REREGISTRATION_PERIOD", func(t convention.Timing) time.Duration { return t.CheckIn }},
	{"Convention Restart Period", "CONVENTION_RESTART_PERIOD", func(t convention.Timing) time.Duration { return t.Retry }},
}

const (
	missesCapability = "Convention Registration Miss Max"
	missesVariable   = "CONVENTION_REGISTRATION_MISS_MAX"
)

// only is an environment with one variable.
func only(name, value string) func(string) string {
	return func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}

func TestTimesFromCapabilitiesAndVariables(t *testing.T) {
	for _, s := range times {
		t.Run(s.capability, func(t *testing.T) {
			for text, want := range map[string]time.Duration{
				"2": 2 * time.Second, "0.25": 250 * time.Millisecond, "90": 90 * time.Second, "2e1": 20 * time.Second, "1.5s": 1500 * time.Millisecond, "3m": 3 * time.Minute,
				"3:22": 202 * time.Second, "0:05": 5 * time.Second, "00:01": time.Second, "31536000": 365 * 24 * time.Hour,
			} {
				got, err := convention.TimingOf(nil, only(s.variable, text))
				assert.NilError(t, err)
				assert.Equal(t, s.of(got), want, text)
				got, err = convention.TimingOf(message.Capabilities{s.capability: text}, only(s.variable, "1:00")) // it comes first
				assert.NilError(t, err)
				assert.Equal(t, s.of(got), want, text)
			}
			for _, value := range []any{2, int64(2), uint8(2), 2.0, 2 * time.Second} {
				got, err := convention.TimingOf(message.Capabilities{s.capability: value}, only("", ""))
				assert.NilError(t, err)
				assert.Equal(t, s.of(got), 2*time.Second, "%T", value)
			}
			for _, text := range []string{"soon", "0", "-2", "0s", "-1s", "0:00", "1:60", "-1:00", "1:-5", ":", "1:", ":1", "1:00:00", "NaN", "Inf", "1e300", "1e-300", "31536001", "999999999:00", "2 s", " 2"} {
				_, err := convention.TimingOf(nil, only(s.variable, text))
				assert.ErrorContains(t, err, fmt.Sprintf(`environment variable %s: %q is no duration such as "2" (seconds)`, s.variable, text))
			}
			for _, value := range []any{0, -1, 0.0, true, []any{1}, "never"} {
				_, err := convention.TimingOf(message.Capabilities{s.capability: value}, only("", ""))
				assert.ErrorContains(t, err, fmt.Sprintf(`capability %s: "%v" is no duration`, s.capability, value))
			}
		})
	}
}

func TestMissesFromCapabilitiesAndVariables(t *testing.T) {
	got, err := convention.TimingOf(nil, only(missesVariable, "4"))
	assert.NilError(t, err)
	assert.Equal(t, got.Misses, 4)
	for _, value := range []any{5, "5", uint16(5)} {
		got, err = convention.TimingOf(message.Capabilities{missesCapability: value}, only(missesVariable, "4"))
		assert.NilError(t, err)
		assert.Equal(t, got.Misses, 5)
	}
	for _, text := range []string{"0", "-1", "1", "2.5", "many", "3s"} {
		_, err = convention.TimingOf(nil, only(missesVariable, text))
		assert.ErrorContains(t, err, fmt.Sprintf("environment variable %s is %q: wanted a number from 2 on", missesVariable, text))
	}
}

// The table of the documentation names all of them, and nothing else.
func TestTableOfTimes(t *testing.T) {
	text, err := os.ReadFile("../docs/conventions.md")
	assert.NilError(t, err)
	want := map[string]string{missesCapability: missesVariable}
	for _, s := range times {
		want[s.capability] = s.variable
	}
	got := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(Convention [^`]*)`[^|]*\\| `(CONVENTION_[^`]*)` \\|").FindAllStringSubmatch(string(text), -1) {
		got[row[1]] = row[2]
	}
	assert.DeepEqual(t, got, want)
	assert.DeepEqual(t, slices.Sorted(slices.Values(convention.TimingCapabilities())), slices.Sorted(maps.Keys(want)))
}

// Each setting, as a plain number in a variable, does to a system what the documentation says.
func TestWhatTimesAreFor(t *testing.T) {
	for variable, c := range map[string]struct {
		value, happens string
		want           []string
	}{
		"CONVENTION_HEARTBEAT":             {"0.5", "cut", []string{"M knows: L is gone: nothing was heard of it for 1.5s"}},
		missesVariable:                     {"2", "cut", []string{"M knows: L is gone: nothing was heard of it for 3.333s"}},
		"CONVENTION_GRACE":                 {"2", "kill", []string{"3.050 L knows: N is gone: connection reset"}},
		"CONVENTION_REREGISTRATION_PERIOD": {"3", "", []string{"3.050 M says Register to L", "6.050 M says Register to L", "9.050 M says Register to L"}},
		"CONVENTION_RESTART_PERIOD":        {"0.25", "leave", []string{"9.300 M dials host1:1900", "9.550 M dials host1:1900", "9.800 M dials host1:1900"}},
	} {
		t.Run(variable, func(t *testing.T) {
			timing, err := convention.TimingOf(nil, only(variable, c.value))
			assert.NilError(t, err)
			w := newWorld(1)
			w.timing = timing
			var log strings.Builder
			w.log = func(line string) { fmt.Fprintln(&log, line) }
			l, m, n := w.start("L", "host1:1900", nil, nil), w.start("M", "host2:1900", []string{"host1:1900"}, nil), w.start("N", "", []string{"host1:1900"}, nil)
			w.run(time.Second)
			switch c.happens {
			case "cut":
				w.cut[pairOf(l, m)] = true
			case "kill":
				w.kill(n)
			case "leave":
				l.perform(l.core.Leave(w.now))
				w.run(2 * w.latency)
				w.kill(l)
			}
			w.run(9 * time.Second)
			for _, line := range c.want {
				assert.Assert(t, strings.Contains(log.String(), line), "no %q in\n%s", line, log.String())
			}
		})
	}
}

// What is due is so by the monotonic clock: if the clock of the day is put back, nobody waits until it is there again.
func TestWhatIsDueDoesNotHangOnTheClockOfTheDay(t *testing.T) {
	number := uint64(1)
	core, _ := convention.New(time.Now(), convention.Options{Self: convention.System{Number: 1}, Leaders: []string{"host1:1900"}, Number: func() uint64 { number++; return number }})
	core.Failed(time.Now(), "host1:1900", "connection refused", true)
	monotonic := func() {
		t.Helper()
		at, any := core.Next()
		assert.Assert(t, any)
		assert.Assert(t, strings.Contains(at.String(), " m="), "%v", at)
	}
	monotonic()
	core.Opened(time.Now(), 1, "host1:1900")
	monotonic()
	core.Received(time.Now(), 1, convention.Hello{System: convention.System{Number: 2, Incarnation: 2}})
	core.Received(time.Now(), 1, convention.Registered{})
	monotonic()
	assert.Assert(t, strings.Contains(core.Heard(2).String(), " m="))
	core.Tick(time.Now().Add(2 * time.Second))
	monotonic()
}
