module thespian.dev/transport-udp

go 1.26

require (
	golang.org/x/net v0.50.0
	golang.org/x/sys v0.45.0
	gotest.tools/v3 v3.5.2
	thespian.dev/transport v0.0.0
)

require github.com/google/go-cmp v0.5.9 // indirect

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message

replace thespian.dev/transport => ../transport
