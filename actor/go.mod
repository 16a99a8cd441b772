module thespian.dev/actor

go 1.26

require (
	thespian.dev/address v0.0.0
	thespian.dev/message v0.0.0
)

require gotest.tools/v3 v3.5.2 // indirect

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message
