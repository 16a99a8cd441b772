module thespian.dev/tools

go 1.26

require (
	github.com/spf13/cobra v1.10.2
	golang.org/x/mod v0.35.0
	golang.org/x/tools v0.43.0
	gotest.tools/v3 v3.5.2
	thespian.dev/actor v0.0.0
	thespian.dev/address v0.0.0
	thespian.dev/convention v0.0.0
	thespian.dev/integration v0.0.0
	thespian.dev/message v0.0.0
	thespian.dev/system v0.0.0
	thespian.dev/transport v0.0.0
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/net v0.52.0 // indirect
	golang.org/x/sync v0.20.0 // indirect
	golang.org/x/sys v0.45.0 // indirect
	honnef.co/go/tools v0.7.0 // indirect
	thespian.dev/admin v0.0.0 // indirect
	thespian.dev/transport-queue v0.0.0 // indirect
	thespian.dev/transport-tcp v0.0.0 // indirect
	thespian.dev/transport-udp v0.0.0 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck

replace thespian.dev/actor => ../actor

replace thespian.dev/address => ../address

replace thespian.dev/admin => ../admin

replace thespian.dev/integration => ../integration

replace thespian.dev/message => ../message

replace thespian.dev/system => ../system

replace thespian.dev/transport => ../transport

replace thespian.dev/transport-tcp => ../transport-tcp

replace thespian.dev/transport-queue => ../transport-queue

replace thespian.dev/transport-udp => ../transport-udp

replace thespian.dev/convention => ../convention
