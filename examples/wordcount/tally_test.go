package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func nobody(int64) {}

func TestIsText(t *testing.T) {
	head := strings.Repeat("x", headBytes)
	for name, test := range map[string]struct {
		begin string
		want  bool
	}{
		"empty":                          {"", true},
		"text":                           {"größe", true},
		"zero byte":                      {"abc\x00", false},
		"zero byte at the head's end":    {head[1:] + "\x00", false},
		"zero byte after the head":       {head + "\x00", true},
		"invalid":                        {"abc\xff", false},
		"invalid after the head":         {head + "\xff", true},
		"cut at the end of the file":     {"gr\xc3", false},
		"two bytes cut by the head":      {head[1:] + "ö", true},
		"three bytes cut by the head":    {head[2:] + "東", true},
		"four bytes cut by the head":     {head[3:] + "𝒳", true},
		"four bytes cut after the first": {head[1:] + "𝒳", true},
		"lone byte before the head ends": {head[2:] + "\xc3yz", false},
		"too many continuations":         {head[4:] + "\x80\x80\x80\x80z", false},
		"UTF-16":                         {"a\x00b\x00", false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, isText([]byte(test.begin)), test.want) })
	}
}

// Words are the same wherever the blocks of a file end.
func TestWordsAcrossBlocks(t *testing.T) {
	for shift := range 12 {
		text := strings.Repeat(" ", shift) + strings.Repeat("größe 東京 ab ", 3*blockBytes/16)
		var got tally
		assert.NilError(t, got.text(t.Context(), strings.NewReader(text), nobody))
		assert.Equal(t, got.stats.Bytes, int64(len(text)))
		assert.DeepEqual(t, counts(&got.table), counted(naiveWords(text)))
	}
}

func TestUnreadableFile(t *testing.T) {
	var got tally
	missing := filepath.Join(t.TempDir(), "missing\xff")
	assert.NilError(t, got.file(t.Context(), missing, nobody))
	assert.Equal(t, got.stats.Unreadable, 1)
	assert.Equal(t, got.stats.Files, 0)
	assert.Assert(t, is.Contains(got.stats.Problems[0], "missing\uFFFD")) // the text of the error can be sent
}

func TestFileThatFailsInTheMiddle(t *testing.T) {
	broken := errors.New("broken disk")
	text := strings.Repeat("word ", blockBytes)
	var got tally
	err := got.text(t.Context(), iotest.DataErrReader(&failing{strings.NewReader(text), broken}), nobody)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, got.stats.Files, 0)
	assert.Assert(t, got.stats.Words > 0)
}

// failing fails where what it reads from is at its end.
type failing struct {
	from *strings.Reader
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if err != nil {
		err = f.err
	}
	return n, err
}

func TestLongFileReportsProgressAndEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long")
	write(t, path, strings.Repeat("word ", 3*progressBytes/5))
	var got tally
	var told int64
	assert.NilError(t, got.file(t.Context(), path, func(n int64) { told += n }))
	assert.Assert(t, told >= progressBytes && told <= got.stats.Bytes, told)

	ctx, cancel := context.WithCancel(t.Context())
	err := got.file(ctx, path, func(int64) { cancel() })
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, got.stats.Files, 1) // the first time
}

// The order in which numbers are added makes no difference, even when there are more problems than are remembered.
func TestStatsAdd(t *testing.T) {
	var parts []Stats
	for i := range 3 * maxProblems {
		parts = append(parts, Stats{Files: 1, Bytes: 2, Words: 3, Binary: 4, Unreadable: 1, Problems: []string{fmt.Sprintf("%06d", i*7919%9973)}})
	}
	var forth, back Stats
	for i := range parts {
		forth.add(parts[i])
		back.add(parts[len(parts)-1-i])
	}
	assert.DeepEqual(t, forth, back)
	assert.Equal(t, len(forth.Problems), maxProblems)
	assert.Equal(t, forth.Unreadable, 3*maxProblems)
	assert.Equal(t, forth.Words, int64(9*maxProblems))
}
