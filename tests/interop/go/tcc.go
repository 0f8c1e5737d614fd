package main

import (
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/go-resty/resty/v2"
)

func serveTcc(mux *http.ServeMux) {
	serveStart(mux, "tcc", startTcc)
	serveBarred(mux, "/tcc/try-withdrawal", func(db dtmcli.DB, t transfer) error {
		return change(db, "update account set balance = balance - ?, frozen = frozen + ? where name = ? and not closed "+
			"and balance >= ?", t.Amount, t.Amount, t.Payer, t.Amount)
	})
	serveBarred(mux, "/tcc/confirm-withdrawal", func(db dtmcli.DB, t transfer) error {
		return change(db, "update account set frozen = frozen - ? where name = ?", t.Amount, t.Payer)
	})
	serveBarred(mux, "/tcc/cancel-withdrawal", func(db dtmcli.DB, t transfer) error {
		return change(db, "update account set balance = balance + ?, frozen = frozen - ? where name = ?", t.Amount,
			t.Amount, t.Payer)
	})
	serveBarred(mux, "/tcc/try-deposit", func(db dtmcli.DB, t transfer) error {
		return change(db, "update account set frozen = frozen + ? where name = ? and not closed", t.Amount, t.Payee)
	})
	serveBarred(mux, "/tcc/confirm-deposit", func(db dtmcli.DB, t transfer) error {
		return change(db, "update account set balance = balance + ?, frozen = frozen - ? where name = ?", t.Amount,
			t.Amount, t.Payee)
	})
	serveBarred(mux, "/tcc/cancel-deposit", func(db dtmcli.DB, t transfer) error {
		return change(db, "update account set frozen = frozen - ? where name = ?", t.Amount, t.Payee)
	})
}

// startTcc calls each try itself. When the function ends well the coordinator calls the confirms, else the cancels.
func startTcc(gid string, t transfer) error {
	return dtmcli.TccGlobalTransaction(coordinator, gid, func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		response, err := tcc.CallBranch(t, self+"/tcc/try-withdrawal", self+"/tcc/confirm-withdrawal",
			self+"/tcc/cancel-withdrawal")
		if err != nil {
			return response, err
		}
		return tcc.CallBranch(t, self+"/tcc/try-deposit", self+"/tcc/confirm-deposit", self+"/tcc/cancel-deposit")
	})
}
