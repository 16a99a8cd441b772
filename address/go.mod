module thespian.dev/address

go 1.26

require gotest.tools/v3 v3.5.2 // indirect
