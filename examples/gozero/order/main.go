// Order keeps orders. In a saga it creates one, and undoes it where a later step is refused.
package main

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/zeromicro/go-zero/rest"
	"google.golang.org/grpc"

	"settle-example-gozero/pb"
	"settle-example-gozero/shop"
)

type order struct {
	OrderID string `json:"order_id"`
	Product string `json:"product"`
	Count   int64  `json:"count"`
}

func create(o order) shop.Work {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec("insert into orders(id, product, count, state) values (?, ?, ?, 'created')",
			o.OrderID, o.Product, o.Count)
		return err
	}
}

// undo is called only where create may have run. Where it did not, the barrier does not let it come this far.
func undo(o order) shop.Work {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec("update orders set state = 'undone' where id = ?", o.OrderID)
		return err
	}
}

type server struct {
	pb.UnimplementedOrderServer
	database shop.Database
}

func (s *server) CreateOrder(ctx context.Context, r *pb.OrderRequest) (*pb.OrderReply, error) {
	return &pb.OrderReply{}, s.database.GrpcBranch(ctx, create(order{r.OrderId, r.Product, r.Count}))
}

func (s *server) UndoOrder(ctx context.Context, r *pb.OrderRequest) (*pb.OrderReply, error) {
	return &pb.OrderReply{}, s.database.GrpcBranch(ctx, undo(order{r.OrderId, r.Product, r.Count}))
}

func main() {
	var config shop.Config
	shop.LoadConfig(&config)
	database := shop.Open(config.Database)
	shop.Serve(config, func(s *grpc.Server) { pb.RegisterOrderServer(s, &server{database: database}) }, []rest.Route{
		{Method: http.MethodPost, Path: "/order/create", Handler: shop.HTTPBranch(database, create)},
		{Method: http.MethodPost, Path: "/order/undo", Handler: shop.HTTPBranch(database, undo)},
	})
}
