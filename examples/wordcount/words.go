package main

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxWord is how many bytes a word has at most. Longer runs of letters are no words of any language, but encoded data; they are counted
// in pieces of that length, so that neither memory nor a message grows with them.
const maxWord = 1024

// WordCount says how often a word was met.
type WordCount struct {
	Word  string
	Count int64
}

// A table holds how often each word was met. The zero value is empty.
type table struct {
	index   map[string]int // of a word in entries
	entries []WordCount
}

// lower is what an ASCII character is in a word: lower case, or 0 when it is in none. Bytes of other characters are
// otherwise.
var lower = func() (l [256]byte) {
	for c := range l {
		switch {
		case c >= utf8.RuneSelf:
			l[c] = otherwise
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'z':
			l[c] = byte(c)
		case 'A' <= c && c <= 'Z':
			l[c] = byte(c) - 'A' + 'a'
		}
	}
	return l
}()

const otherwise = 1

// inWord reports whether a character belongs to a word: letters and digits of any script, and the marks upon them.
func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// scan counts the words in a part of a text, which it overwrites. It returns how many there were and, unless this is the last part, what is at
// its end and may go on in the next one: less than maxWord + utf8.UTFMax bytes.
func (t *table) scan(p []byte, last bool) (words int64, rest []byte) {
	for i := 0; i < len(p); {
		if lower[p[i]] == 0 {
			i++
			continue
		}
		start, ascii, step := i, true, 0
		for i < len(p) && i-start < maxWord {
			l := lower[p[i]]
			if l == 0 {
				break
			}
			if l != otherwise {
				p[i] = l
				i++
				continue
			}
			if !last && !utf8.FullRune(p[i:]) {
				return words, p[start:]
			}
			r, size := utf8.DecodeRune(p[i:]) // an invalid byte is in no word
			if !inWord(r) {
				step = size
				break
			}
			if i+size-start > maxWord {
				break
			}
			ascii = false
			i += size
		}
		if i == len(p) && !last {
			return words, p[start:]
		}
		if i > start {
			word := p[start:i]
			if !ascii {
				word = appendLower(nil, word)
			}
			t.one(word)
			words++
		}
		i += step
	}
	return words, nil
}

func appendLower(b, word []byte) []byte {
	for len(word) > 0 {
		r, size := utf8.DecodeRune(word)
		b = utf8.AppendRune(b, unicode.ToLower(r))
		word = word[size:]
	}
	return b
}

// one counts a word once more.
func (t *table) one(word []byte) {
	if i, known := t.index[string(word)]; known { // does not copy the word
		t.entries[i].Count++
		return
	}
	t.enter(WordCount{string(word), 1})
}

// add counts a word more often.
func (t *table) add(w WordCount) {
	if i, known := t.index[w.Word]; known {
		t.entries[i].Count += w.Count
		return
	}
	t.enter(w)
}

func (t *table) enter(w WordCount) {
	if t.index == nil {
		t.index = make(map[string]int)
	}
	t.index[w.Word] = len(t.entries)
	t.entries = append(t.entries, w)
}

// take empties the table and returns what was in it.
func (t *table) take() []WordCount {
	entries := t.entries
	t.entries = make([]WordCount, 0, len(entries))
	clear(t.index)
	return entries
}

// top returns the n words that were met most often, those that were met equally often in the order of the alphabet.
func (t *table) top(n int) []WordCount {
	n = min(n, len(t.entries))
	if n == 0 {
		return nil
	}
	order := func(a, b WordCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word, b.Word))
	}
	var best []WordCount
	var least int64 // that a word needs to be among the best
	for _, e := range t.entries {
		if e.Count < least {
			continue
		}
		best = append(best, e)
		if len(best) >= 2*n+1000 { // sorting everything would take far longer
			slices.SortFunc(best, order)
			best = best[:n]
			least = best[n-1].Count
		}
	}
	slices.SortFunc(best, order)
	return slices.Clone(best[:n])
}
