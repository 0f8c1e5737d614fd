package httpbank

import (
	"database/sql"
	"fmt"

	"github.com/dtm-labs/dtm/client/dtmcli"

	"settle-interop-go/bank"
)

// startMessage withdraws in a transaction of its own database, and has the deposit delivered if that commits. A client
// that vanishes in between leaves it to the coordinator to ask /query-prepared how it went.
func startMessage(gid string, t *bank.Transfer) error {
	message := dtmcli.NewMsg(coordinator, gid).Add(self+"/deposit", t)
	queryPrepared := self + "/query-prepared"
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
	return dtmcli.NewMsg(coordinator, gid).AddTopic("transfer", t).Submit()
}

// subscribe has both ends of a transfer called for each message of the topic.
func subscribe() error {
	for _, path := range []string{"/withdraw", "/deposit"} {
		response, err := dtmcli.GetRestyClient().R().
			SetQueryParams(map[string]string{"topic": "transfer", "url": self + path, "remark": "the bank"}).
			Get(coordinator + "/subscribe")
		if err == nil {
			err = dtmcli.HTTPResp2DtmError(response)
		}
		if err != nil {
			return fmt.Errorf("subscribe %s: %w", path, err)
		}
	}
	return nil
}
