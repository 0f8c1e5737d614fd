package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmgrpc"
	"github.com/zeromicro/go-zero/core/utils"
	"github.com/zeromicro/go-zero/rest/httpx"

	"settle-example-gozero/pb"
)

type api struct {
	config        config
	orders, stock string
}

// order is what the customer sends, and what the services get over HTTP: they take what they need of it.
type order struct {
	OrderID string `json:"order_id,optional"`
	Product string `json:"product"`
	Count   int64  `json:"count,range=[1:1000000]"`
}

// submit hands the saga of an order to the coordinator. Its error does not tell how the saga ends: see outcome.
type submit func(ctx context.Context, o order) error

// serve takes an order. Its id is the saga's gid, too: whoever is not sure whether the order arrived may send both again.
func (a *api) serve(submit submit) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := httpx.ParseJsonBody(r, &o); err != nil {
			httpx.WriteJsonCtx(r.Context(), w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		if o.OrderID == "" {
			o.OrderID = utils.NewUuid()
		}
		reason := ""
		if err := submit(r.Context(), o); err != nil {
			reason = err.Error()
		}
		code, result := a.outcome(r.Context(), o.OrderID, reason)
		httpx.WriteJsonCtx(r.Context(), w, code, map[string]string{"order_id": o.OrderID, "result": result, "reason": reason})
	}
}

// submitGrpc makes a saga whose branches are called over gRPC, at services that the coordinator finds in etcd.
func (a *api) submitGrpc(createOrder string) submit {
	return func(ctx context.Context, o order) error {
		ordered := &pb.OrderRequest{OrderId: o.OrderID, Product: o.Product, Count: o.Count}
		goods := &pb.StockRequest{Product: o.Product, Count: o.Count}
		saga := dtmgrpc.NewSagaGrpc(a.config.Coordinator.Grpc, o.OrderID).
			Add(a.orders+createOrder, a.orders+pb.Order_UndoOrder_FullMethodName, ordered).
			Add(a.stock+pb.Stock_Deduct_FullMethodName, a.stock+pb.Stock_Restore_FullMethodName, goods)
		saga.Context = ctx
		saga.TransOptions = a.options()
		return saga.Submit()
	}
}

// submitHTTP makes the same saga with branches that are called over HTTP.
func (a *api) submitHTTP(_ context.Context, o order) error {
	saga := dtmcli.NewSaga(a.config.Coordinator.Http, o.OrderID).
		Add(a.config.OrderHttp+"/order/create", a.config.OrderHttp+"/order/undo", o).
		Add(a.config.StockHttp+"/stock/deduct", a.config.StockHttp+"/stock/restore", o)
	saga.TransOptions = a.options()
	return saga.Submit()
}

func (a *api) options() dtmcli.TransOptions {
	return dtmcli.TransOptions{WaitResult: true, RetryInterval: a.config.RetryIntervalSeconds,
		RequestTimeout: a.config.RequestTimeoutSeconds}
}

// outcome is what the customer is told. A submit without an error was done whole. With one it may have been refused, or
// be under way still: only the saga's status says which of the two.
func (a *api) outcome(ctx context.Context, gid, reason string) (int, string) {
	if reason == "" {
		return http.StatusOK, "ordered"
	}
	status, err := a.status(ctx, gid)
	switch {
	case err != nil:
		return http.StatusBadGateway, "unknown"
	case status == "succeed":
		return http.StatusOK, "ordered"
	case status == "failed" || status == "aborting":
		return http.StatusConflict, "refused"
	default:
		return http.StatusAccepted, "pending"
	}
}

func (a *api) status(ctx context.Context, gid string) (string, error) {
	var answer struct {
		Transaction *struct{ Status string }
	}
	target := a.config.Coordinator.Http + "/query?gid=" + url.QueryEscape(gid)
	response, err := dtmcli.GetRestyClient().R().SetContext(ctx).Get(target)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(response.Body(), &answer); err != nil || answer.Transaction == nil {
		return "", fmt.Errorf("the coordinator does not know %s: %s", gid, response)
	}
	return answer.Transaction.Status, nil
}
