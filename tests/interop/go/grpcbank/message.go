package grpcbank

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/dtm-labs/dtm/client/dtmgrpc/dtmgimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc/dtmgpb"

	"settle-interop-go/bank"
)

// startMessage withdraws in a transaction of its own database, and has the deposit delivered if that commits. A client
// that vanishes in between leaves it to the coordinator to ask QueryPrepared how it went.
func startMessage(gid string, t *bank.Transfer) error {
	message := dtmgrpc.NewMsgGrpc(coordinator, gid).Add(service+"/Deposit", t)
	queryPrepared := service + "/QueryPrepared"
	if t.Vanishes == "" {
		return message.DoAndSubmitDB(queryPrepared, bank.Database, func(tx *sql.Tx) error { return bank.Withdraw(tx, t) })
	}

	message.TimeoutToFail = 3
	if err := message.Prepare(queryPrepared); err != nil || t.Vanishes == "before" {
		return err
	}
	return bank.WithdrawLocally(gid, t)
}

// startTopic sends to whoever has subscribed.
func startTopic(gid string, t *bank.Transfer) error {
	return dtmgrpc.NewMsgGrpc(coordinator, gid).AddTopic("transfer", t).Submit()
}

// subscribe has both ends of a transfer called for each message of the topic.
func subscribe() error {
	for _, method := range []string{"/Withdraw", "/Deposit"} {
		_, err := dtmgimp.MustGetDtmClient(coordinator).Subscribe(context.Background(),
			&dtmgpb.DtmTopicRequest{Topic: "transfer", URL: service + method, Remark: "the bank"})
		if err != nil {
			return fmt.Errorf("subscribe %s: %w", method, err)
		}
	}
	return nil
}
