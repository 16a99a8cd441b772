module thespian.dev/system

go 1.26

require (
	golang.org/x/sys v0.45.0
	gotest.tools/v3 v3.5.2
	thespian.dev/actor v0.0.0
	thespian.dev/address v0.0.0
	thespian.dev/message v0.0.0
)

replace thespian.dev/actor => ../actor

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message
