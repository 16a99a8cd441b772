package peers

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/benchmarks/internal/second"
)

const (
	grpcRole   = "gRPC server"
	grpcMethod = "/benchmark.Echo/Ask"
)

// grpcEcho is what a .proto file with one service and one method would give.
var grpcEcho = grpc.ServiceDesc{
	ServiceName: "benchmark.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Ask", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var question wrapperspb.BytesValue
		return &question, decode(&question)
	}}},
}

// serveGRPC is a second.Role.
func serveGRPC(ctx context.Context, _ string, ready func(string)) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	s.RegisterService(&grpcEcho, nil)
	defer context.AfterFunc(ctx, s.Stop)()
	ready(l.Addr().String())
	return s.Serve(l)
}

func askGRPC(ctx context.Context, m contest.Meter, n int) (err error) {
	server, err := second.Start(ctx, grpcRole, "")
	if err != nil {
		return err
	}
	defer func() { err = stop(server, err) }()
	client, err := grpc.NewClient("passthrough:///"+server.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer client.Close()
	ask := func() error {
		var answer wrapperspb.BytesValue
		return client.Invoke(ctx, grpcMethod, wrapperspb.Bytes(make([]byte, 64)), &answer)
	}
	if err := ask(); err != nil { // opens the connection
		return err
	}
	m.ResetTimer()
	err = askAll(callers, n, ask)
	m.StopTimer()
	return err
}

// stop ends a process, and returns the first error.
func stop(p *second.Process, err error) error {
	if stopped := p.Stop(); err == nil {
		err = stopped
	}
	return err
}
