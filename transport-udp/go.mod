module thespian.dev/transport-udp

go 1.26

require (
	golang.org/x/net v0.50.0
	golang.org/x/sys v0.45.0
	thespian.dev/transport v0.0.0
)

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message

replace thespian.dev/transport => ../transport
