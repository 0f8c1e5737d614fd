package main

import (
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
)

func serveSaga(mux *http.ServeMux) {
	serveStart(mux, "saga", startSaga)
	serveBarred(mux, "/saga/withdraw", withdraw)
	serveBarred(mux, "/saga/undo-withdrawal", undoWithdrawal)
	serveBarred(mux, "/saga/deposit", deposit)
	serveBarred(mux, "/saga/undo-deposit", undoDeposit)
}

// startSaga hands the whole transaction over; from then on the coordinator calls.
func startSaga(gid string, t transfer) error {
	saga := dtmcli.NewSaga(coordinator, gid).
		Add(self+"/saga/withdraw", self+"/saga/undo-withdrawal", t).
		Add(self+"/saga/deposit", self+"/saga/undo-deposit", t)
	saga.RetryInterval = 1
	return saga.Submit()
}
