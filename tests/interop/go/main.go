// Bank is a service with accounts in a MariaDB that takes part in distributed transactions over HTTP and over gRPC, and
// starts them by the Go SDK of DTM: over the transport that its environment names.
package main

import (
	"net"
	"net/http"
	"os"

	"settle-interop-go/grpcbank"
	"settle-interop-go/httpbank"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	httpbank.ServeParticipants(mux)
	grpcServer := grpcbank.NewServer()
	var err error
	if os.Getenv("TRANSPORT") == "grpc" {
		err = grpcbank.ServeStarts(mux, grpcServer)
	} else {
		err = httpbank.ServeStarts(mux)
	}
	if err != nil {
		panic(err)
	}

	listener, err := net.Listen("tcp", grpcbank.Address)
	if err != nil {
		panic(err)
	}
	go func() { panic(grpcServer.Serve(listener)) }()
	panic(http.ListenAndServe(httpbank.Address, mux))
}
