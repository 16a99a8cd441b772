package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gotest.tools/v3/assert"
)

func TestWords(t *testing.T) {
	long := strings.Repeat("x", maxWord)
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"none":                  {"", nil},
		"only separators":       {" \t\n--\u2003。", nil},
		"sentence":              {"Ctrl-C ends it; it's 3.14!", []string{"ctrl", "c", "ends", "it", "it", "s", "3", "14"}},
		"underscore":            {"snake_case", []string{"snake", "case"}},
		"other scripts":         {"Größe ПРИВЕТ 東京", []string{"größe", "привет", "東京"}},
		"marks":                 {"cafe\u0301 हिन्दी", []string{"cafe\u0301", "हिन्दी"}},
		"lower case is shorter": {"\u212A", []string{"k"}}, // the Kelvin sign
		"lower case is longer":  {"\u023A", []string{"\u2C65"}},
		"byte order mark":       {"\ufeffone", []string{"one"}},
		"invalid bytes":         {"a\xffb \xc3", []string{"a", "b"}},
		"longest":               {long, []string{long}},
		"too long":              {long + "YZ", []string{long, "yz"}},
		"too long by a rune":    {long[1:] + "é", []string{long[1:], "é"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got table
			words, rest := got.scan([]byte(test.text), true)
			assert.Equal(t, len(rest), 0)
			assert.Equal(t, int(words), len(test.want))
			assert.DeepEqual(t, counts(&got), counted(test.want))
			assert.DeepEqual(t, naiveWords(test.text), test.want)
		})
	}
}

// FuzzScan checks the words of a text that comes in two parts against those of the simple rule.
func FuzzScan(f *testing.F) {
	f.Add([]byte("Größe and cafe\u0301"), 3)
	f.Add([]byte("\xe6\x9d\xb1\xe4\xba"), 4)
	f.Add([]byte(strings.Repeat("aé", maxWord)), maxWord)
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		if at < 0 || at > len(text) {
			return
		}
		want := counted(naiveWords(string(text)))
		var got table
		first, rest := got.scan(slices.Clone(text[:at]), false)
		if len(rest) >= maxWord+utf8.UTFMax {
			t.Fatalf("%d bytes wait for the next part", len(rest))
		}
		second, rest := got.scan(append(slices.Clone(rest), text[at:]...), true)
		assert.Equal(t, len(rest), 0)
		assert.DeepEqual(t, counts(&got), want)
		var n int64
		for _, c := range want {
			n += c
		}
		assert.Equal(t, first+second, n)
	})
}

func TestTop(t *testing.T) {
	var all table
	want := make([]WordCount, 5000)
	for i := range want {
		want[i] = WordCount{fmt.Sprintf("w%04d", i), int64(5000 - i/3)} // three words each are met equally often
	}
	for i := range want {
		all.add(want[(i*1777)%len(want)])
	}
	for _, n := range []int{0, 1, 2, 10, 700, 5000, 6000, int(^uint(0) >> 1)} {
		got := all.top(n)
		assert.Equal(t, len(got), min(n, len(want)))
		assert.Assert(t, slices.Equal(got, want[:len(got)]), "the first %d", n)
	}
}

func TestTake(t *testing.T) {
	var words table
	words.add(WordCount{"a", 2})
	taken := words.take()
	words.one([]byte("a"))
	words.one([]byte("b"))
	assert.DeepEqual(t, taken, []WordCount{{"a", 2}})
	assert.DeepEqual(t, counts(&words), map[string]int64{"a": 1, "b": 1})
}

// naiveWords is the rule for words, as simply as it can be said.
func naiveWords(text string) (words []string) {
	separator := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }
	for _, run := range strings.FieldsFunc(text, separator) {
		for len(run) > maxWord {
			cut := maxWord
			for !utf8.RuneStart(run[cut]) {
				cut--
			}
			words = append(words, strings.Map(unicode.ToLower, run[:cut]))
			run = run[cut:]
		}
		words = append(words, strings.Map(unicode.ToLower, run))
	}
	return words
}

func counted(words []string) map[string]int64 {
	counts := make(map[string]int64)
	for _, w := range words {
		counts[w]++
	}
	return counts
}

func counts(t *table) map[string]int64 {
	counts := make(map[string]int64)
	for _, e := range t.entries {
		counts[e.Word] = e.Count
	}
	return counts
}
