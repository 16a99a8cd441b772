//go:build linux

package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
)

func TestTell(t *testing.T) {
	s := startSite(t)
	s.create("servant", "butler")
	s.does("tell", "butler", `"hello"`)
	s.does("tell", "butler", "--", "-5")
	s.does("tell", "butler", `{"a": [1, 2.5, null, true], "b": {"c": "d"}}`)
	var kept []any
	assert.NilError(t, json.Unmarshal([]byte(s.does("ask", "butler", `"kept"`)), &kept))
	assert.DeepEqual(t, kept, []any{"hello", -5.0, map[string]any{"a": []any{1.0, 2.5, nil, true}, "b": map[string]any{"c": "d"}}})
}

func TestAsk(t *testing.T) {
	s := startSite(t)
	butler := s.create("servant", "butler")
	for msg, want := range map[string]string{
		`"x"`: "string", "5": "int", "5.5": "float64", "1e3": "float64", "99999999999999999999": "float64", "true": "bool", "[1]": "[]interface {}", `{"a": 1}`: "map[string]interface {}",
	} {
		assert.Equal(t, s.does("ask", "butler", msg), `"`+want+"\"\n", msg)
	}
	for _, word := range []string{"butler", butler.String(), s.fullAddress(butler), s.fullAddress(s.status().Actors[0].Actor)} {
		var who address.Address
		assert.NilError(t, json.Unmarshal([]byte(s.does("ask", word, `"who"`)), &who))
		assert.Equal(t, who, butler, word)
	}
	assert.Equal(t, strings.Join(strings.Fields(s.does("ask", "butler", `"private"`)), " "), `{ "Number": 7 }`)
	assert.Equal(t, s.does("ask", "butler", "--type", "Private", `{"Number": 8}`), "\"main.Private\"\n")
}

func TestAskFails(t *testing.T) {
	s := startSite(t)
	butler := s.create("servant", "butler")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"nobody has the name":           {[]string{"cook", "1"}, []string{`no actor has the global name "cook"`, "thespian status"}},
		"nobody has the address":        {[]string{"0000.0000.1", "1"}, []string{"no actor has the address 0000.0000.1"}},
		"an address of another system":  {[]string{"0000000000000001-0000000000000001-1", "1"}, []string{"another system"}},
		"an address of nobody any more": {[]string{strings.SplitN(s.fullAddress(butler), "-", 2)[0] + "-0000000000000001-1", "1"}, []string{"cannot be reached"}},
		"the actor does not answer":     {[]string{"butler", `"silence"`, "--timeout", "300ms"}, []string{"no answer within 300ms", "--timeout"}},
		"the actor fails":               {[]string{"butler", `"fail"`}, []string{"it failed as it was told to"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := s.fails(1, append([]string{"ask"}, c.args...)...)
			for _, want := range c.want {
				assert.Assert(t, strings.Contains(said, want), said)
			}
		})
	}
}

func TestKill(t *testing.T) {
	s := startSite(t)
	s.create("servant", "butler")
	pid := s.status().Actors[0].PID
	assert.Equal(t, s.does("kill", "butler"), "")
	eventually(t, "its process has ended", func() bool { return !alive(pid) })
	eventually(t, "nobody has its name", func() bool { return len(s.status().GlobalNames) == 0 })
	s.fails(1, "kill", "butler")

	sharer := s.create("sharer", "")
	said := s.fails(1, "kill", s.fullAddress(sharer))
	assert.Assert(t, strings.Contains(said, "shares its process"), said)
	s.create("servant", "maid")
	short := s.status().GlobalNames["maid"].String()
	s.does("kill", short)
	eventually(t, "nobody has the address", func() bool { return s.run("kill", short).status != 0 })
	assert.Equal(t, len(s.status().Actors), 1, "the others live on")
}

func TestCompletion(t *testing.T) {
	s := startSite(t)
	s.create("servant", "butler")
	s.create("servant", "under-butler")
	for _, command := range []string{"tell", "ask", "kill"} {
		said := s.does("__completeNoDesc", command, "")
		assert.DeepEqual(t, strings.Fields(said), []string{"butler", "under-butler", ":4"})
	}
	assert.Equal(t, s.does("__completeNoDesc", "tell", "butler", ""), ":4\n", "nothing for a message")
	assert.Equal(t, newSite(t).does("__completeNoDesc", "tell", ""), ":4\n", "nothing where no system runs")
	assert.Equal(t, s.does("__completeNoDesc", "--base", ""), strings.Join(baseNames(), "\n")+"\n:4\n")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := s.does("completion", shell)
		assert.Assert(t, strings.Contains(script, "thespian"))
		if path, err := exec.LookPath(shell); err == nil {
			check := exec.Command(path, "-n")
			check.Stdin = strings.NewReader(script)
			out, err := check.CombinedOutput()
			assert.NilError(t, err, string(out))
		}
	}
}
