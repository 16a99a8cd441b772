module thespian.dev/actor

go 1.26

require (
	thespian.dev/address v0.0.0
	thespian.dev/message v0.0.0
)

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message
