module thespian.dev/address

go 1.26
