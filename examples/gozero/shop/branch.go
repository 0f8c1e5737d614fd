// Package shop is what the services of the example have in common: a branch of a distributed transaction, called over
// gRPC or over HTTP, does its work behind the barrier.
package shop

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmgrpc"
	"github.com/zeromicro/go-zero/core/stores/sqlx"
	"github.com/zeromicro/go-zero/rest/httpx"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Database is where one service keeps its rows and its barrier.
type Database struct {
	connection sqlx.SqlConn
}

// Open makes a pool of connections; none is opened before it is needed.
func Open(source string) Database {
	return Database{sqlx.NewMysql(source)}
}

// Work is what a branch does, all of it in one local transaction. dtmcli.ErrFailure is a refusal, any other error is a
// mishap.
type Work func(tx *sql.Tx) error

// GrpcBranch does the work of the call that ctx belongs to, once. A refusal becomes ABORTED, on which the coordinator
// rolls back; any other error becomes UNKNOWN, on which it calls again.
func (d Database) GrpcBranch(ctx context.Context, work Work) error {
	barrier, err := dtmgrpc.BarrierFromGrpc(ctx)
	if err != nil {
		return status.Error(codes.InvalidArgument, "not called by a coordinator: "+err.Error())
	}
	return dtmgrpc.DtmError2GrpcError(d.behind(barrier, work))
}

// HTTPBranch makes a handler that reads the body into a request and does its work, once. A refusal becomes 409, any other
// error 500. (What httpx.Error answers, 400, would be no refusal either: the coordinator would call for ever.)
func HTTPBranch[Request any](d Database, work func(request Request) Work) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request Request
		err := httpx.ParseJsonBody(r, &request)
		if err == nil {
			var barrier *dtmcli.BranchBarrier
			if barrier, err = dtmcli.BarrierFromQuery(r.URL.Query()); err == nil {
				err = d.behind(barrier, work(request))
			}
		}
		code, body := dtmcli.Result2HttpJSON(err)
		httpx.WriteJsonCtx(r.Context(), w, code, body)
	}
}

// behind runs the work and the barrier's own rows in one local transaction: both are committed or neither is.
func (d Database) behind(barrier *dtmcli.BranchBarrier, work Work) error {
	database, err := d.connection.RawDB()
	if err != nil {
		return err
	}
	return barrier.CallWithDB(database, func(tx *sql.Tx) error { return work(tx) })
}
