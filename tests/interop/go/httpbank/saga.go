package httpbank

import (
	"github.com/dtm-labs/dtm/client/dtmcli"
	"google.golang.org/protobuf/proto"

	"settle-interop-go/bank"
	"settle-interop-go/grpcbank"
)

// startSaga hands the whole transaction over; from then on the coordinator calls.
func startSaga(gid string, t *bank.Transfer) error {
	saga := dtmcli.NewSaga(coordinator, gid).
		Add(self+"/withdraw", self+"/undo-withdrawal", t).
		Add(self+"/deposit", self+"/undo-deposit", t)
	saga.RetryInterval = 1
	return saga.Submit()
}

// startMixedSaga is one whose second step is called over gRPC. That participant wants protobuf, where the SDK would make
// JSON of a payload.
func startMixedSaga(gid string, t *bank.Transfer) error {
	message, err := proto.Marshal(t)
	if err != nil {
		return err
	}
	saga := dtmcli.NewSaga(coordinator, gid).
		Add(self+"/withdraw", self+"/undo-withdrawal", t).
		Add(grpcbank.Self+"/bank.Bank/Deposit", grpcbank.Self+"/bank.Bank/UndoDeposit", t)
	saga.Payloads[1] = string(message)
	saga.RetryInterval = 1
	return saga.Submit()
}
