package message_test

import (
	"fmt"

	"thespian.dev/message"
)

type Job struct {
	Name  string
	Parts []any
}

type Session struct {
	User   string
	secret string
}

// Types are listed once; one that would arrive damaged is refused, with the field that is to blame.
func ExampleTypes() {
	fmt.Println(message.Types(Job{}).Err())
	fmt.Println(message.Types(Session{secret: "x"}).Err())
	// Output:
	// <nil>
	// message.Types: thespian.dev/message_test.Session.secret: an unexported field would be lost; export it, or give the type MarshalBinary and UnmarshalBinary
}

// What interfaces hold arrives with its types. Who does not know a type gets it opaque, and can send it on.
func ExampleRegistry_Decode() {
	registry, err := message.NewRegistry(message.Types(Job{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := registry.Append(nil, Job{"sum", []any{1, int64(2), "three"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, err := registry.Decode(data)
	fmt.Printf("%#v %v\n", msg, err)

	stranger, err := message.NewRegistry()
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, err = stranger.Decode(data)
	fmt.Println(msg.(message.Opaque).Name, err)
	// Output:
	// message_test.Job{Name:"sum", Parts:[]interface {}{1, 2, "three"}} <nil>
	// thespian.dev/message_test.Job <nil>
}

// On a link a type is defined once, and the actors of the two nodes are numbers.
func ExampleEncoder() {
	registry, err := message.NewRegistry(message.Types(Job{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	link := message.Link{From: message.Node{System: 1, Process: 1}, To: message.Node{System: 1, Process: 2}}
	encoder, decoder := message.NewEncoder(registry, link), message.NewDecoder(registry, link)
	send := func(data []byte) error { // over the network, in a real program
		envelope, defined, err := decoder.Decode(data)
		if defined {
			fmt.Println(len(data), "bytes: a definition")
		} else {
			fmt.Println(len(data), "bytes:", envelope.Message)
		}
		return err
	}
	for _, job := range []Job{{"sum", nil}, {"product", nil}} {
		data, err := encoder.AppendEnvelope(nil, message.Envelope{Message: job}, send)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := send(data); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 59 bytes: a definition
	// 19 bytes: {sum []}
	// 23 bytes: {product []}
}

// What is required as true must count as true; other values must be equal, numbers whatever their types are.
func ExampleCapabilities_Satisfies() {
	offered := message.Capabilities{"GPU": true, "Cores": 16, "Region": "north"}
	fmt.Println(offered.Satisfies(message.Capabilities{"GPU": true, "Cores": 16.0}))
	fmt.Println(offered.Satisfies(message.Capabilities{"Region": "south"}))
	fmt.Println(offered.Satisfies(message.Capabilities{"FPGA": true}))
	// Output:
	// <nil>
	// capability "Region" is required to be south, and is north
	// capability "FPGA" is required to be true, and is not there
}
