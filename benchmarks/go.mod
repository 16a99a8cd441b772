module thespian.dev/benchmarks

go 1.26

require (
	github.com/nats-io/nats-server/v2 v2.14.5
	github.com/nats-io/nats.go v1.51.0
	github.com/pion/dtls/v3 v3.1.15
	google.golang.org/grpc v1.82.1
	google.golang.org/protobuf v1.36.11
	gotest.tools/v3 v3.5.2
	thespian.dev/actor v0.0.0
	thespian.dev/address v0.0.0
	thespian.dev/convention v0.0.0
	thespian.dev/integration v0.0.0
	thespian.dev/message v0.0.0
	thespian.dev/system v0.0.0
	thespian.dev/transport v0.0.0
	thespian.dev/transport-queue/nats v0.0.0
	thespian.dev/transport-udp v0.0.0
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.7.2-default-no-op // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/pion/logging v0.2.4 // indirect
	github.com/pion/transport/v5 v5.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	golang.org/x/time v0.15.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260414002931-afd174a4e478 // indirect
	thespian.dev/admin v0.0.0 // indirect
	thespian.dev/transport-queue v0.0.0 // indirect
	thespian.dev/transport-tcp v0.0.0 // indirect
)

replace thespian.dev/actor => ../actor

replace thespian.dev/address => ../address

replace thespian.dev/message => ../message

replace thespian.dev/system => ../system

replace thespian.dev/admin => ../admin

replace thespian.dev/transport => ../transport

replace thespian.dev/integration => ../integration

replace thespian.dev/transport-tcp => ../transport-tcp

replace thespian.dev/transport-queue => ../transport-queue

replace thespian.dev/transport-udp => ../transport-udp

replace thespian.dev/convention => ../convention

replace thespian.dev/transport-queue/nats => ../transport-queue/nats
