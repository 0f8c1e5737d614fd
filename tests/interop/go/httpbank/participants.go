// Package httpbank is the bank over HTTP: its participants, and the transactions that it starts by dtmcli.
package httpbank

import (
	"database/sql"
	"encoding/json"
	"io"
	"log"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"google.golang.org/protobuf/proto"

	"settle-interop-go/bank"
)

// ServeParticipants serves what the coordinator calls, and clients in a tcc, an xa or a workflow.
func ServeParticipants(mux *http.ServeMux) {
	for path, work := range map[string]bank.Work{
		"/withdraw":           bank.Withdraw,
		"/undo-withdrawal":    bank.UndoWithdrawal,
		"/deposit":            bank.Deposit,
		"/undo-deposit":       bank.UndoDeposit,
		"/try-withdrawal":     bank.TryWithdrawal,
		"/confirm-withdrawal": bank.ConfirmWithdrawal,
		"/cancel-withdrawal":  bank.CancelWithdrawal,
		"/try-deposit":        bank.TryDeposit,
		"/confirm-deposit":    bank.ConfirmDeposit,
		"/cancel-deposit":     bank.CancelDeposit,
	} {
		serveBarred(mux, path, readJSON, work)
	}
	// A transaction begun over gRPC has payloads of protobuf, also where a step of it is called over HTTP.
	serveBarred(mux, "/protobuf/withdraw", readProtobuf, bank.Withdraw)
	serveBarred(mux, "/protobuf/undo-withdrawal", readProtobuf, bank.UndoWithdrawal)

	serveXaBranch(mux, "/xa/withdraw", bank.Withdraw)
	serveXaBranch(mux, "/xa/deposit", bank.Deposit)
	serveCall(mux, "/query-prepared", func(r *http.Request, _ []byte) error {
		barrier, err := dtmcli.BarrierFromQuery(r.URL.Query())
		if err != nil {
			return err
		}
		return barrier.QueryPrepared(bank.Database)
	})
}

// serveCall notes each call, and answers as the handler decides: 409 refuses, 500 has the call repeated.
func serveCall(mux *http.ServeMux, path string, handle func(r *http.Request, body []byte) error) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		err := bank.Note(query.Get("gid"), query.Get("branch_id"), query.Get("op"))
		var body []byte
		if err == nil {
			body, err = io.ReadAll(r.Body)
		}
		if err == nil {
			err = handle(r, body)
		}
		status, result := dtmcli.Result2HttpJSON(err)
		log.Printf("%s: %d %v", r.URL, status, err)
		bank.Answer(w, status, result)
	})
}

func serveBarred(mux *http.ServeMux, path string, read func([]byte, *bank.Transfer) error, work bank.Work) {
	serveCall(mux, path, func(r *http.Request, body []byte) error {
		t := &bank.Transfer{}
		if err := read(body, t); err != nil {
			return err
		}
		barrier, err := dtmcli.BarrierFromQuery(r.URL.Query())
		if err != nil {
			return err
		}
		return bank.Participate(barrier, t, work)
	})
}

func readJSON(body []byte, t *bank.Transfer) error { return json.Unmarshal(body, t) }

func readProtobuf(body []byte, t *bank.Transfer) error { return proto.Unmarshal(body, t) }

// serveXaBranch serves one url for all: the work, and its commit or rollback.
func serveXaBranch(mux *http.ServeMux, path string, work bank.Work) {
	serveCall(mux, path, func(r *http.Request, body []byte) error {
		query := r.URL.Query()
		return bank.TakePart(r.Context(), query.Get("gid"), query.Get("branch_id"), query.Get("op"), func() error {
			return dtmcli.XaLocalTransaction(query, bank.DatabaseConfig, func(db *sql.DB, _ *dtmcli.Xa) error {
				t := &bank.Transfer{}
				if err := readJSON(body, t); err != nil {
					return err
				}
				return work(db, t)
			})
		})
	})
}
