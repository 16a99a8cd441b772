package main

import (
	"thespian.dev/address"
	"thespian.dev/message"
)

type (
	// Begin has the acceptor take texts, whose encodings go to the analyzer. Who says so gets the News.
	Begin struct{ Analyzer address.Address }
	// News is something to show.
	News struct{ Text string }

	// Text is to be encoded in all ways. Accepted is the answer, when the analyzer has had all results.
	Text struct {
		Number int
		Text   string
	}
	Accepted struct{ Number int }

	// Job is what an encoder does with a text, for an analyzer.
	Job struct {
		Text     Text
		Analyzer address.Address
	}
	// Encoded is what came of it, in a system; the analyzer tells the acceptor, which is named, with Done.
	Encoded struct {
		Text                     Text
		Encoding, Result, System string
		Acceptor                 address.Address
	}
	Done struct {
		Number           int
		Encoding, System string
	}

	// Report asks the analyzer for Counts.
	Report struct{}
	Counts struct {
		Encoded []Count
		Wrong   []string
	}
	Count struct {
		System, Encoding string
		Texts            int
	}

	// Offer has a clerk change what its system offers; the answer is Offered.
	Offer struct {
		Name  string
		Value any
	}
	Offered struct{ Failure string }
)

var messages = message.Types(Begin{}, News{}, Text{}, Accepted{}, Job{}, Encoded{}, Done{}, Report{}, Counts{}, Offer{}, Offered{})
