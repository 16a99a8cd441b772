module thespian.dev/transport

go 1.26
