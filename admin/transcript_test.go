package admin_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// The transcripts in testdata show what the core makes of what it hears. A line that begins with
//
//	#  says what follows
//	>  is an input:
//	     > system pool=2 offers=GPU:true    how the system is set up; if there is such a line, it is the first
//	     > attach                           a program connects
//	     > 2 Create child=2.1 kind=greeter  process 2 says something; a request has the number behind "#"
//	     > gone 3 it was killed             a process ends
//	     > wait 2s                          time passes
//	     > shutdown 5s                      the shell ends the system
//	<  is an output: a message to a process, "launch", "kill", "discard" or "finish"
//
// Process 1 is the Admin's, the others are numbered from 2 as they come. "2.1" is the first actor that process 2 created, "admin" the Admin. Fields that are zero are left out.
// Write the outputs with
//
//	go test ./admin -run Transcripts -update
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	assert.NilError(t, err)
	assert.Assert(t, len(files) > 0)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			assert.NilError(t, err)
			golden.Assert(t, replay(t, string(text)), filepath.Base(file))
		})
	}
}

// replay returns the transcript with the outputs that its inputs have now.
func replay(t *testing.T, text string) string {
	var b strings.Builder
	var h *harness
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "<") {
			continue
		}
		b.WriteString(line + "\n")
		input, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue
		}
		words := split(input)
		if h == nil {
			var o admin.Options
			if words[0] == "system" {
				pool, offers := 0, message.Capabilities(nil)
				for _, word := range words[1:] {
					key, value, _ := strings.Cut(word, "=")
					switch key {
					case "pool":
						pool, _ = strconv.Atoi(value)
					case "offers":
						offers = parse(t, reflect.TypeFor[message.Capabilities](), value).Interface().(message.Capabilities)
					default:
						t.Fatalf("%q: unknown option", line)
					}
				}
				o.Pool, o.Capabilities = pool, offers
			}
			h = newHarness(t, o)
			if words[0] == "system" {
				continue
			}
		}
		for _, o := range step(t, h, words) {
			fmt.Fprintf(&b, "< %s\n", describe(o))
		}
	}
	return b.String()
}

func step(t *testing.T, h *harness, words []string) []admin.Output {
	argument := func() string { return strings.Join(words[1:], " ") }
	duration := func() time.Duration {
		d, err := time.ParseDuration(argument())
		assert.NilError(t, err)
		return d
	}
	switch words[0] {
	case "attach":
		return h.attach()
	case "gone":
		assert.Assert(t, len(words) > 2, "gone NUMBER REASON")
		return h.gone(number(t, words[1]), strings.Join(words[2:], " "))
	case "wait":
		return h.pass(duration())
	case "shutdown":
		return h.shutdown(duration())
	}
	from := number(t, words[0])
	return h.receive(from, parseMessage(t, from, words[1:]))
}

func number(t *testing.T, s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	assert.NilError(t, err, "an input begins with a process or one of: attach, gone, wait, shutdown")
	return n
}

// inputs are the messages that processes say.
var inputs = []any{
	admin.Announce{}, admin.Create{}, admin.Running{}, admin.Started{}, admin.Leaving{}, admin.Ended{}, admin.Adopt{}, admin.Locate{}, admin.Lookup{}, admin.Find{}, admin.SetCapability{},
	admin.HandleDeadLetters{}, admin.Relay{}, admin.Parting{}, admin.Failed{}, admin.Account{}, admin.StatusRequest{}, admin.Status{}, admin.Shutdown{}, admin.KillActor{},
	admin.Exit{}, // which none should
}

// parseMessage returns the message whose type and fields the words are. An announcement has an endpoint, and a creation a parent, also when the words do not say it.
func parseMessage(t *testing.T, from uint64, words []string) any {
	i := slices.IndexFunc(inputs, func(m any) bool { return reflect.TypeOf(m).Name() == words[0] })
	assert.Assert(t, i >= 0, "unknown message %q", words[0])
	m := reflect.New(reflect.TypeOf(inputs[i])).Elem()
	for _, word := range words[1:] {
		if n, ok := strings.CutPrefix(word, "#"); ok {
			m.FieldByName("Request").SetUint(number(t, n))
			continue
		}
		key, value, valued := strings.Cut(word, "=")
		in := m
		if s := m.FieldByName("Status"); s.IsValid() {
			in = s
		}
		field := in.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, key) })
		assert.Assert(t, field.IsValid(), "a %s has no %q", words[0], key)
		if !valued {
			value = "true"
		}
		field.Set(parse(t, field.Type(), value))
	}
	switch m := m.Addr().Interface().(type) {
	case *admin.Announce:
		m.Endpoint = cmp.Or(m.Endpoint, fmt.Sprintf("e%d", from))
	case *admin.Create:
		if m.Parent.IsZero() {
			m.Parent = address1(own, 1)
		}
	}
	return m.Interface()
}

func parse(t *testing.T, typ reflect.Type, s string) reflect.Value {
	list := strings.Split(s, ",")
	var value any
	switch typ {
	case reflect.TypeFor[address.Address]():
		value = parseAddress(t, s)
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(s)
		assert.NilError(t, err)
		value = d
	case reflect.TypeFor[admin.Failure]():
		value = admin.Failure{Code: admin.CodeFailed, Text: s}
	case reflect.TypeFor[message.Capabilities]():
		c := make(message.Capabilities)
		for _, entry := range list {
			name, text, _ := strings.Cut(entry, ":")
			c[name] = parseAny(text)
		}
		value = c
	case reflect.TypeFor[map[string]uint64]():
		m := make(map[string]uint64)
		for _, entry := range list {
			name, text, _ := strings.Cut(entry, ":")
			m[name] = number(t, text)
		}
		value = m
	case reflect.TypeFor[[]admin.Kind](): // name, name:startup or name:startup:required
		var kinds []admin.Kind
		for _, entry := range list {
			parts := append(strings.Split(entry, ":"), "", "")
			k := admin.Kind{Name: parts[0], Startup: parts[1]}
			if parts[2] != "" {
				k.Requires = message.Capabilities{parts[2]: true}
			}
			kinds = append(kinds, k)
		}
		value = kinds
	case reflect.TypeFor[[]message.ActorStatus](): // actor<parent
		var actors []message.ActorStatus
		for _, entry := range list {
			actor, parent, _ := strings.Cut(entry, "<")
			actors = append(actors, message.ActorStatus{Actor: parseAddress(t, actor), Parent: parseAddress(t, parent)})
		}
		value = actors
	case reflect.TypeFor[[]message.ProcessStatus](): // pid:role
		var processes []message.ProcessStatus
		for _, entry := range list {
			pid, role, _ := strings.Cut(entry, ":")
			processes = append(processes, message.ProcessStatus{PID: int(number(t, pid)), Role: role})
		}
		value = processes
	case reflect.TypeFor[[]byte]():
		value = []byte(s)
	case reflect.TypeFor[any]():
		v := reflect.New(typ).Elem()
		if a := parseAny(s); a != nil {
			v.Set(reflect.ValueOf(a))
		}
		return v
	default:
		switch typ.Kind() {
		case reflect.String:
			value = s
		case reflect.Bool:
			value = s == "true"
		default:
			value = number(t, s)
		}
	}
	return reflect.ValueOf(value).Convert(typ)
}

func parseAny(s string) any {
	if s == "nil" {
		return nil
	}
	if s == "nonsense" {
		return struct{}{} // which is no value of capabilities
	}
	if b, err := strconv.ParseBool(s); err == nil && len(s) > 1 {
		return b
	}
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	if n, ok := strings.CutPrefix(s, "int64:"); ok {
		n, _ := strconv.ParseInt(n, 10, 64)
		return n
	}
	return s
}

func parseAddress(t *testing.T, s string) address.Address {
	switch s {
	case "none":
		return address.Address{}
	case "admin":
		return address1(own, 1)
	}
	process, counter, ok := strings.Cut(s, ".")
	assert.Assert(t, ok, "%q is no address", s)
	return address1(number(t, process), number(t, counter))
}

// describe returns an output as a line.
func describe(o admin.Output) string {
	switch o := o.(type) {
	case admin.Launch:
		return fmt.Sprintf("launch %d build=%s title=%s", o.Process, o.Build, text(o.Title))
	case admin.Kill:
		return fmt.Sprintf("kill %d", o.Process)
	case admin.Finish:
		return "finish"
	case admin.Discard:
		return "discard " + o.Build
	case admin.Tell:
		v := reflect.ValueOf(o.Message)
		return fmt.Sprintf("%d %s%s", o.To, v.Type().Name(), fields(v))
	}
	return fmt.Sprintf("%T?", o)
}

// dull are fields that a transcript does without.
var dull = map[string][]string{
	"Welcome": {"System", "Process", "Admin", "AdminProcess", "AdminEndpoint"}, "SystemStatus": {"Admin", "Base"},
}

func fields(v reflect.Value) string {
	var b strings.Builder
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case f.IsZero() || slices.Contains(dull[v.Type().Name()], name) || (f.Kind() == reflect.Map || f.Kind() == reflect.Slice) && f.Len() == 0:
		case f.Type() == reflect.TypeFor[message.SystemStatus]():
			b.WriteString(fields(f))
		case name == "Request":
			fmt.Fprintf(&b, " #%d", f.Uint())
		case f.Kind() == reflect.Bool:
			b.WriteString(" " + strings.ToLower(name))
		default:
			fmt.Fprintf(&b, " %s=%s", strings.ToLower(name), describeValue(f))
		}
	}
	return b.String()
}

func describeValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case address.Address:
		return text(x.String())
	case admin.Failure:
		return text(x.Code + ": " + x.Text)
	case message.ActorStatus:
		return describeValue(reflect.ValueOf(x.Actor)) + "<" + describeValue(reflect.ValueOf(x.Parent))
	case message.ProcessStatus:
		return fmt.Sprintf("%d:%s", x.PID, x.Role)
	case time.Duration:
		return x.String()
	case []byte:
		return text(string(x))
	}
	switch v.Kind() {
	case reflect.Slice:
		var all []string
		for i := range v.Len() {
			all = append(all, describeValue(v.Index(i)))
		}
		return strings.Join(all, ",")
	case reflect.Map:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(keysOf(v))) {
			all = append(all, key+":"+describeValue(v.MapIndex(reflect.ValueOf(key))))
		}
		return text(strings.Join(all, ","))
	case reflect.Interface:
		return describeValue(v.Elem())
	}
	return text(fmt.Sprint(v.Interface()))
}

func keysOf(v reflect.Value) map[string]bool {
	keys := make(map[string]bool)
	for _, key := range v.MapKeys() {
		keys[key.String()] = true
	}
	return keys
}

var shortAddress = regexp.MustCompile(`\b0001\.([0-9a-f]{4})\.(\d+)\b`)

// text returns s with addresses as transcripts have them, quoted if it has spaces.
func text(s string) string {
	s = shortAddress.ReplaceAllStringFunc(s, func(a string) string {
		parts := shortAddress.FindStringSubmatch(a)
		process, _ := strconv.ParseUint(parts[1], 16, 64)
		if short := fmt.Sprintf("%d.%s", process, parts[2]); short != "1.1" {
			return short
		}
		return "admin"
	})
	if strings.ContainsAny(s, " \"\n") {
		return "'" + s + "'"
	}
	return s
}

// split cuts a line at spaces, but not within single quotes, which it takes away.
func split(s string) (words []string) {
	quoted := false
	for _, word := range strings.FieldsFunc(s, func(r rune) bool {
		if r == '\'' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	}) {
		words = append(words, strings.ReplaceAll(word, "'", ""))
	}
	return words
}
