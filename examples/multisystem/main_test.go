package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// A runner runs the tests, or is a branch of theirs.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	if len(os.Args) < 2 || os.Args[1] != "-branch" {
		_ = os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0") // of the processes: else each takes a second to end
		return r.m.Run()
	}
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestMain(m *testing.M) { app.TestMain(runner{m}) }

func TestTextsAreEncodedWhereThatIsOffered(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systems have processes on Linux only")
	}
	const texts = 400
	var out, errs bytes.Buffer
	assert.NilError(t, run(t.Context(), []string{"-texts", strconv.Itoa(texts)}, nil, &out, &errs))
	assert.Equal(t, errs.String(), "")
	for _, line := range []string{
		"base64 is encoded in the plant", "rot13 is encoded in the vault", "the base64 encoder in the plant has ended: ", "base64 is encoded in the vault",
	} {
		assert.Assert(t, strings.Contains(out.String(), line), "%s is missing in:\n%s", line, &out)
	}
	done := make(map[string]int)
	for _, count := range regexp.MustCompile(`(?m)^  (plant|vault) +(base64|rot13) +(\d+)$`).FindAllStringSubmatch(out.String(), -1) {
		n, err := strconv.Atoi(count[3])
		assert.NilError(t, err)
		done[count[1]+" "+count[2]] = n
	}
	assert.Equal(t, done["vault rot13"], texts)
	assert.Equal(t, done["plant base64"]+done["vault base64"], texts)
	assert.Assert(t, done["plant base64"] >= texts/2 && done["vault base64"] > 0, "%v", done)
}

func TestWrongUse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-texts", "0"}, "-texts is 0"}, {[]string{"-speed"}, "-speed"}, {[]string{"more"}, `"more" is too much`}, {[]string{"-branch", "moon"}, `"moon"`},
	} {
		assert.ErrorContains(t, run(t.Context(), c.args, strings.NewReader(""), io.Discard, io.Discard), c.want)
	}
	var help bytes.Buffer
	assert.NilError(t, run(t.Context(), []string{"-h"}, nil, io.Discard, &help))
	assert.Assert(t, strings.Contains(help.String(), "-texts"))
}

func TestCodecs(t *testing.T) {
	for name, c := range codecs {
		for _, text := range []string{"", "Hello, World!", "Ärger\n"} {
			encoded := c.encode(text)
			assert.Assert(t, text == "" || encoded != text, name)
			decoded, err := c.decode(encoded)
			assert.NilError(t, err)
			assert.Equal(t, decoded, text, name)
		}
	}
}
