// Package pb is what protoc makes of ../proto. To make it anew, with protoc 3.21 and its two plugins on the PATH:
//
//	go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.5
//	go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1
//	go generate ./pb
package pb

//go:generate protoc -I ../proto --go_out=.. --go_opt=module=settle-example-gozero --go-grpc_out=.. --go-grpc_opt=module=settle-example-gozero order.proto stock.proto
