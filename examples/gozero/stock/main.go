// Stock knows what is in stock. In a saga it deducts what was ordered, or refuses where there is too little.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/zeromicro/go-zero/rest"
	"google.golang.org/grpc"

	"settle-example-gozero/pb"
	"settle-example-gozero/shop"
)

type goods struct {
	Product string `json:"product"`
	Count   int64  `json:"count"`
}

// deduct looks and takes in one statement, so that two orders at once cannot take the last one both.
func deduct(g goods) shop.Work {
	return func(tx *sql.Tx) error {
		result, err := tx.Exec("update stock set count = count - ? where product = ? and count >= ?", g.Count, g.Product, g.Count)
		if err != nil {
			return err
		}
		if changed, err := result.RowsAffected(); err != nil || changed == 1 {
			return err
		}
		return fmt.Errorf("less than %d of %s in stock: %w", g.Count, g.Product, dtmcli.ErrFailure)
	}
}

// restore does not ask whether anything was deducted: that is what the barrier knows.
func restore(g goods) shop.Work {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec("update stock set count = count + ? where product = ?", g.Count, g.Product)
		return err
	}
}

type server struct {
	pb.UnimplementedStockServer
	database shop.Database
}

func (s *server) Deduct(ctx context.Context, r *pb.StockRequest) (*pb.StockReply, error) {
	return &pb.StockReply{}, s.database.GrpcBranch(ctx, deduct(goods{r.Product, r.Count}))
}

func (s *server) Restore(ctx context.Context, r *pb.StockRequest) (*pb.StockReply, error) {
	return &pb.StockReply{}, s.database.GrpcBranch(ctx, restore(goods{r.Product, r.Count}))
}

func main() {
	var config shop.Config
	shop.LoadConfig(&config)
	database := shop.Open(config.Database)
	shop.Serve(config, func(s *grpc.Server) { pb.RegisterStockServer(s, &server{database: database}) }, []rest.Route{
		{Method: http.MethodPost, Path: "/stock/deduct", Handler: shop.HTTPBranch(database, deduct)},
		{Method: http.MethodPost, Path: "/stock/restore", Handler: shop.HTTPBranch(database, restore)},
	})
}
