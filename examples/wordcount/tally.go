package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	blockBytes    = 64 << 10 // read at once
	headBytes     = 8 << 10  // of a file, that tell whether it is a text
	progressBytes = 4 << 20  // of a long file, after which there is progress to report
	maxProblems   = 1000     // that are remembered
)

// Stats are the numbers of a count.
type Stats struct {
	Files      int      // texts that were counted
	Bytes      int64    // in these
	Words      int64    // in these
	Binary     int      // files that are no texts
	Unreadable int      // files and folders that could not be read
	Problems   []string // why they could not: the first maxProblems in the order of the alphabet
}

// add adds the numbers of another count. The result does not depend on the order of several additions.
func (s *Stats) add(o Stats) {
	s.Files += o.Files
	s.Bytes += o.Bytes
	s.Words += o.Words
	s.Binary += o.Binary
	s.Unreadable += o.Unreadable
	if len(o.Problems) > 0 {
		s.Problems = append(s.Problems, o.Problems...)
		slices.Sort(s.Problems)
		s.Problems = s.Problems[:min(len(s.Problems), maxProblems)]
	}
}

// unreadable notes a file or a folder that could not be read.
func (s *Stats) unreadable(err error) {
	problem := strings.ToValidUTF8(err.Error(), "\uFFFD") // names of files need not be texts
	s.add(Stats{Unreadable: 1, Problems: []string{problem}})
}

// A tally is what was counted so far. The zero value is empty.
type tally struct {
	stats Stats
	table table
	block []byte
}

// file counts the words of one file. In between it tells progress how many bytes it has read since it last did. Its only error is that of
// ctx, after which the tally holds a part of the file. Of a file that fails in the middle, what was read before counts.
func (t *tally) file(ctx context.Context, path string, progress func(bytes int64)) error {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		err = t.text(ctx, f, progress)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		t.stats.unreadable(err)
	}
	return nil
}

func (t *tally) text(ctx context.Context, r io.Reader, progress func(bytes int64)) error {
	if t.block == nil {
		t.block = make([]byte, blockBytes)
	}
	var kept int   // bytes at the begin of the block that were read before
	var news int64 // bytes that progress was not told of
	for first := true; ; first = false {
		n, err := io.ReadFull(r, t.block[kept:])
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		block := t.block[:kept+n]
		if first && !isText(block) {
			t.stats.Binary++
			return nil
		}
		words, rest := t.table.scan(block, last)
		t.stats.Words += words
		t.stats.Bytes += int64(n)
		if last {
			t.stats.Files++
			return nil
		}
		kept = copy(t.block, rest)
		if news += int64(n); news >= progressBytes {
			progress(news)
			news = 0
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// isText reports whether a file that begins like this is a text: no zero byte and no invalid UTF-8 in its first 8 KiB.
func isText(begin []byte) bool {
	head := begin[:min(len(begin), headBytes)]
	if len(begin) > len(head) { // a character may be cut
		for i := len(head) - 1; i > len(head)-utf8.UTFMax; i-- {
			if utf8.RuneStart(head[i]) {
				if !utf8.FullRune(head[i:]) {
					head = head[:i]
				}
				break
			}
		}
	}
	return bytes.IndexByte(head, 0) < 0 && utf8.Valid(head)
}
