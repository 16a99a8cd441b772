module thespian.dev/transport-tcp

go 1.26

require (
	gotest.tools/v3 v3.5.2
	thespian.dev/transport v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/google/go-cmp v0.5.9 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	thespian.dev/address v0.0.0 // indirect
	thespian.dev/message v0.0.0 // indirect
)

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message

replace thespian.dev/transport => ../transport
