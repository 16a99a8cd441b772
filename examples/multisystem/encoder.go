package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"thespian.dev/actor"
)

// A codec encodes and decodes.
type codec struct {
	encode func(string) string
	decode func(string) (string, error)
}

var codecs = map[string]codec{
	"base64": {
		encode: func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		decode: func(s string) (string, error) {
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), err
		},
	},
	"rot13": {encode: rot13, decode: func(s string) (string, error) { return rot13(s), nil }},
}

func rot13(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case 'A' <= r && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, s)
}

// newEncoder returns what makes actors that encode, and hand the results on.
func newEncoder(encoding string) func() actor.Actor {
	return func() actor.Actor {
		return actor.Func(func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(Job); ok {
				ctx.Send(m.Analyzer, Encoded{m.Text, encoding, codecs[encoding].encode(m.Text.Text), fmt.Sprint(ctx.Capabilities()["Name"]), ctx.Sender()})
			}
			return nil
		})
	}
}
