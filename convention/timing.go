package convention

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"thespian.dev/message"
)

// Timing is when a convention does what. The zero value is the default.
type Timing struct {
	// Heartbeat is how often a system says that it lives, when it has nothing else to say. Zero: 5/3 seconds.
	Heartbeat time.Duration
	// Misses is how many heartbeats may be missed before a system is lost (Thespian 3.5: registrations). Zero: 3.
	Misses int
	// Grace is how long a connection that broke may take to be made anew. Zero: half a second.
	Grace time.Duration
	// CheckIn is how often a member registers anew. Zero: 7 minutes 22 seconds, as Thespian 3.5 has it.
	CheckIn time.Duration
	// Retry bounds the time between two attempts to connect: the second comes 250 ms after the first, the next ones after 1.2 times as long each. Zero: 45 seconds, as
	// the hysteresis of Thespian 3.5 has it.
	Retry time.Duration
}

const (
	firstRetry  = 250 * time.Millisecond
	retryGrowth = 1.2
	lookAgain   = 50 * time.Millisecond // after an attempt to reach a member whose connection broke, and that was neither refused nor of use
)

func (t Timing) complete() Timing {
	t.Heartbeat = cmp.Or(t.Heartbeat, 5*time.Second/3)
	t.Misses = cmp.Or(t.Misses, 3)
	t.Grace = cmp.Or(t.Grace, 500*time.Millisecond)
	t.CheckIn = cmp.Or(t.CheckIn, 7*time.Minute+22*time.Second)
	t.Retry = cmp.Or(t.Retry, 45*time.Second)
	return t
}

// silence is how long nothing may be heard of a system that lives.
func (t Timing) silence() time.Duration { return t.Heartbeat * time.Duration(t.Misses) }

// The capabilities that set the timing of a system, and Thespian's environment variables for the same (feature D10); the capability comes first. Durations are
// numbers of seconds, texts such as "1.5s" or, as Thespian has them, "mm:ss".
var timings = []struct {
	capability, variable string
	set                  func(*Timing) *time.Duration
}{
	{"Convention Heartbeat", "CONVENTION_HEARTBEAT", func(t *Timing) *time.Duration { return &t.Heartbeat }},
	{"Convention Grace", "CONVENTION_GRACE", func(t *Timing) *time.Duration { return &t.Grace }},
	{"Convention Reregistration Period", "CONVENTION_REREGISTRATION_PERIOD", func(t *Timing) *time.Duration { return &t.CheckIn }},
	{"Convention Restart Period", "CONVENTION_RESTART_PERIOD", func(t *Timing) *time.Duration { return &t.Retry }},
}

const (
	missesCapability = "Convention Registration Miss Max"
	missesVariable   = "CONVENTION_REGISTRATION_MISS_MAX"
)

// TimingCapabilities returns the names of the capabilities that set the timing of a system.
func TimingCapabilities() []string {
	names := []string{missesCapability}
	for _, c := range timings {
		names = append(names, c.capability)
	}
	return names
}

// TimingOf returns the timing of a system with these capabilities and environment.
func TimingOf(capabilities message.Capabilities, environment func(string) string) (Timing, error) {
	var t Timing
	setting := func(capability, variable string) (text, of string) {
		if value, given := capabilities[capability]; given {
			return fmt.Sprint(value), "capability " + capability
		}
		return environment(variable), "environment variable " + variable
	}
	for _, c := range timings {
		text, of := setting(c.capability, c.variable)
		if text == "" {
			continue
		}
		d, err := duration(text)
		if err != nil {
			return t, fmt.Errorf("%s: %w", of, err)
		}
		*c.set(&t) = d
	}
	if text, of := setting(missesCapability, missesVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 2 { // a heartbeat takes a time to arrive: with one alone everybody would be lost all the time
			return t, fmt.Errorf("%s is %q: wanted a number from 2 on", of, text)
		}
		t.Misses = n
	}
	return t, nil
}

// maxDuration bounds what is read: three of the longest heartbeats are still a time.
const maxDuration = 365 * 24 * time.Hour

// duration reads "mm:ss", a number of seconds, or what package time writes.
func duration(text string) (time.Duration, error) {
	minutes, seconds, colon := strings.Cut(text, ":")
	if colon {
		m, err1 := strconv.Atoi(minutes)
		s, err2 := strconv.Atoi(seconds)
		if err1 == nil && err2 == nil && m >= 0 && s >= 0 && s < 60 && m+s > 0 && m <= int(maxDuration/time.Minute) {
			return time.Duration(m)*time.Minute + time.Duration(s)*time.Second, nil
		}
	} else if n, err := strconv.ParseFloat(text, 64); err == nil {
		if n >= time.Nanosecond.Seconds() && n <= maxDuration.Seconds() { // which no NaN is
			return time.Duration(math.Round(n * float64(time.Second))), nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 && d <= maxDuration {
		return d, nil
	}
	return 0, fmt.Errorf(`%q is no duration such as "2" (seconds), "1.5s" or "mm:ss", of a year at most`, text)
}
