package grpcbank

import (
	"os"

	"github.com/dtm-labs/dtm/client/dtmgrpc"

	"settle-interop-go/bank"
)

// startSaga hands the whole transaction over; from then on the coordinator calls.
func startSaga(gid string, t *bank.Transfer) error {
	return submitSaga(gid, t, service+"/Withdraw", service+"/UndoWithdrawal")
}

// startMixedSaga is one whose first step is called over HTTP.
func startMixedSaga(gid string, t *bank.Transfer) error {
	overHTTP := "http://127.0.0.1:" + os.Getenv("BANK_PORT") + "/protobuf"
	return submitSaga(gid, t, overHTTP+"/withdraw", overHTTP+"/undo-withdrawal")
}

// startSagaOfWrongMethod has a method that begins with a small letter: nobody serves it.
func startSagaOfWrongMethod(gid string, t *bank.Transfer) error {
	return submitSaga(gid, t, service+"/withdraw", service+"/UndoWithdrawal")
}

// startSagaOfWrongService leaves the package out of the path.
func startSagaOfWrongService(gid string, t *bank.Transfer) error {
	return submitSaga(gid, t, Self+"/Bank/Withdraw", service+"/UndoWithdrawal")
}

func submitSaga(gid string, t *bank.Transfer, withdraw, undoWithdrawal string) error {
	saga := dtmgrpc.NewSagaGrpc(coordinator, gid).
		Add(withdraw, undoWithdrawal, t).
		Add(service+"/Deposit", service+"/UndoDeposit", t)
	saga.RetryInterval = 1
	return saga.Submit()
}
