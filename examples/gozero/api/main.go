// Api takes orders from customers. Each becomes a saga of two steps: create the order, deduct the stock.
package main

import (
	"net/http"

	"github.com/dtm-labs/dtmdriver"
	driver "github.com/dtm-labs/dtmdriver-gozero"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/rest"
	"github.com/zeromicro/go-zero/zrpc"

	"settle-example-gozero/pb"
	"settle-example-gozero/shop"
)

type config struct {
	rest.RestConf
	Coordinator struct {
		Grpc string // where it is found: etcd://HOST:PORT/KEY, or HOST:PORT
		Http string // its HTTP API
	}
	OrderRpc, StockRpc   zrpc.RpcClientConf // where the coordinator finds the services
	OrderHttp, StockHttp string             // the same over HTTP, as urls

	RetryIntervalSeconds  int64 // from one call that brought no decision to the next; it doubles with each error
	RequestTimeoutSeconds int64 // how long the coordinator waits for one call of a branch
}

func main() {
	var c config
	shop.LoadConfig(&c)
	logx.Must(dtmdriver.Use(driver.DriverName)) // from here on gRPC knows targets like etcd://HOST:PORT/KEY

	a := &api{config: c, orders: target(c.OrderRpc), stock: target(c.StockRpc)}
	server := rest.MustNewServer(c.RestConf)
	defer server.Stop()
	server.AddRoutes([]rest.Route{
		{Method: http.MethodPost, Path: "/grpc/orders", Handler: a.serve(a.submitGrpc(pb.Order_CreateOrder_FullMethodName))},
		{Method: http.MethodPost, Path: "/http/orders", Handler: a.serve(a.submitHTTP)},
		// What happens where one writes the path of the method as the Go names suggest.
		{Method: http.MethodPost, Path: "/wrong-path/orders", Handler: a.serve(a.submitGrpc("/pb.Order/CreateOrder"))},
	})
	server.Start()
}

// target is what stands in front of the method's path in the url of a branch.
func target(c zrpc.RpcClientConf) string {
	t, err := c.BuildTarget()
	logx.Must(err)
	return t
}
