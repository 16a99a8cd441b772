//go:build linux

package main

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestWrongUsage(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown command":          {[]string{"strat"}, "start"},
		"one of conventions":          {[]string{"convention", "joi"}, `there is no command "convention joi": perhaps "convention join"`},
		"one like no other":           {[]string{"convention", "foo"}, `there is no command "convention foo"`},
		"an unknown flag":             {[]string{"ps", "--tree"}, "unknown flag: --tree"},
		"an argument too much":        {[]string{"status", "now"}, `"now"`},
		"a message missing":           {[]string{"tell", "butler"}, "MESSAGE is missing"},
		"a message without quotes":    {[]string{"tell", "butler", "good", "morning"}, "quotes"},
		"a message that is no JSON":   {[]string{"ask", "butler", "hello"}, `'"text"'`},
		"two messages":                {[]string{"ask", "butler", "1 2"}, "is not JSON"},
		"no message":                  {[]string{"ask", "butler", "null"}, "null is no message"},
		"a number beyond all":         {[]string{"ask", "butler", "[1e999]"}, "1e999 is too large"},
		"a base that nobody has":      {[]string{"ps", "--base", "quantum"}, strings.Join(baseNames(), ", ")},
		"a base without processes":    {[]string{"ps", "--base", "simple"}, "inside of its program"},
		"a port that is none":         {[]string{"ps", "--port", "70000"}, "from 1 to 65535"},
		"a port that chooses itself":  {[]string{"ps", "--port", "0"}, "from 1 to 65535"},
		"a capability without value":  {[]string{"start", "--capability", "GPU"}, "wanted name=value"},
		"the port as a capability":    {[]string{"start", "--capability", "Admin Port=1900"}, "--port"},
		"a capability that holds nil": {[]string{"start", "--capability", "x=[null]"}, "nil is no value"},
	} {
		t.Run(name, func(t *testing.T) {
			said := s.fails(2, c.args...)
			assert.Assert(t, strings.Contains(said, c.want), said)
			assert.Assert(t, strings.HasPrefix(said, "error: ") && strings.Contains(said, "--help'"), said)
		})
	}
}

func TestHelp(t *testing.T) {
	s := newSite(t)
	assert.Assert(t, strings.Contains(s.does(), "Available Commands"))
	for _, command := range []string{"start", "stop", "status", "ps", "tell", "ask", "kill"} {
		help := s.does(command, "--help")
		assert.Assert(t, strings.Contains(help, "Examples:\n  thespian "+command), help)
	}
}
