module thespian.dev/examples

go 1.26

require (
	github.com/schollz/progressbar/v3 v3.19.1
	golang.org/x/term v0.47.0
	gotest.tools/v3 v3.5.2
	thespian.dev/actor v0.0.0
	thespian.dev/address v0.0.0
	thespian.dev/message v0.0.0
	thespian.dev/system v0.0.0
)

replace thespian.dev/actor => ../actor

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message

replace thespian.dev/system => ../system
