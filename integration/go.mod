module thespian.dev/integration

go 1.26

require (
	gotest.tools/v3 v3.5.2
	thespian.dev/actor v0.0.0
	thespian.dev/address v0.0.0
	thespian.dev/convention v0.0.0
	thespian.dev/message v0.0.0
	thespian.dev/system v0.0.0
	thespian.dev/transport v0.0.0
	thespian.dev/transport-queue v0.0.0
	thespian.dev/transport-tcp v0.0.0
	thespian.dev/transport-udp v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/google/go-cmp v0.5.9 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/net v0.50.0 // indirect
	golang.org/x/sys v0.45.0 // indirect
	thespian.dev/admin v0.0.0 // indirect
)

replace thespian.dev/actor => ../actor

replace thespian.dev/address => ../address

replace thespian.dev/admin => ../admin

replace thespian.dev/message => ../message

replace thespian.dev/system => ../system

replace thespian.dev/transport => ../transport

replace thespian.dev/transport-tcp => ../transport-tcp

replace thespian.dev/transport-queue => ../transport-queue

replace thespian.dev/transport-udp => ../transport-udp

replace thespian.dev/convention => ../convention
