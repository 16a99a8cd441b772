package soak

import (
	"thespian.dev/address"
	"thespian.dev/message"
)

// The messages of the soak. They are exported as those of any actor are, so that they can be written down.
type (
	// A Parcel is what is accounted for: one message of a stream. Its body is made of the stream's number.
	Parcel struct {
		Stream uint64
		Number uint32 // from 1
		Fail   bool   // the receiver fails on it, and it comes back
		Ask    bool   // the receiver answers with a Receipt
		Body   []byte
	}
	Receipt struct {
		Stream uint64
		Number uint32
	}

	// Send orders a worker to send a stream.
	Send struct {
		Stream    uint64
		To        address.Address
		Count     uint32
		Size      int
		FailEvery uint32 // 0: none
		Ask       bool   // one after the other, each when the one before was answered
	}

	// Hire orders a worker to create another one, which is Hired. A stream can follow at once.
	Hire struct {
		Kind     string
		Name     string // global
		Contract Contract
		Then     Send
	}
	Hired struct{ Who address.Address }

	// A Contract is what a worker is created with.
	Contract struct {
		ID        uint64
		Desk      address.Address // takes the last account
		Stillborn bool
	}

	// Watch orders a worker to watch another one.
	Watch struct {
		ID  uint64
		Who address.Address
	}

	// Leave orders a worker to exit by itself.
	Leave struct{}

	// Audit asks for an Account. What was settled is forgotten.
	Audit struct{ Settled []uint64 }
)

// An Account says what a worker, the undertaker or a program has of the streams that it sends or receives.
type Account struct {
	ID      uint64
	Serial  uint64 // the highest is the latest
	PID     int
	Final   bool // the worker is about to exit
	Got     []Tally
	Sent    []Sent
	Back    []Tally // came back as PoisonMessage
	Dead    []Tally
	Perhaps []Tally  // dead letters that were perhaps delivered
	Unbegun []uint64 // streams whose orders became dead letters
	Notices []Notice
	Reasons map[string]int // of dead letters
	Odd     []string       // what should not have come at all
}

type (
	// A Tally is what somebody has of one stream.
	Tally struct {
		Stream   uint64
		Numbers  []Range
		Failed   []Range // on which the receiver failed
		Attempts int     // at those
		Excess   int     // dead letters because there was too much, which may be between those who live
		Wrong    []string
	}

	// Sent says how much of a stream was sent. Of one that is asked, how much was answered.
	Sent struct {
		Stream            uint64
		Count             uint32
		Done              bool
		Answered, Refused uint32
		Wrong             []string
	}

	// A Notice tells of the end of somebody.
	Notice struct {
		ID     uint64
		Child  bool
		Reason string
	}
)

func messages() message.TypeSet {
	return message.Types(Parcel{}, Receipt{}, Send{}, Hire{}, Hired{}, Contract{}, Watch{}, Leave{}, Audit{}, Account{})
}
