package main

import (
	"database/sql"
	"log"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
)

func serveMessage(mux *http.ServeMux) {
	subscribe()
	serveStart(mux, "msg", startMessage)
	serveStart(mux, "topic", startTopic)
	serveBarred(mux, "/msg/withdraw", withdraw)
	serveBarred(mux, "/msg/deposit", deposit)
	serveCall(mux, "/msg/query-prepared", func(r *http.Request, _ []byte) error {
		barrier, err := dtmcli.BarrierFromQuery(r.URL.Query())
		if err != nil {
			return err
		}
		return barrier.QueryPrepared(database)
	})
}

// startMessage withdraws in a transaction of its own database, and has the deposit delivered if that commits. A client
// that vanishes in between leaves it to the coordinator to ask /msg/query-prepared how it went.
func startMessage(gid string, t transfer) error {
	message := dtmcli.NewMsg(coordinator, gid).Add(self+"/msg/deposit", t)
	queryPrepared := self + "/msg/query-prepared"
	localWork := func(tx *sql.Tx) error { return withdraw(tx, t) }
	if t.Vanishes == "" {
		return message.DoAndSubmitDB(queryPrepared, database, localWork)
	}

	message.TimeoutToFail = 3
	if err := message.Prepare(queryPrepared); err != nil || t.Vanishes == "before" {
		return err
	}
	barrier, err := dtmcli.BarrierFrom("msg", gid, "00", "msg")
	if err != nil {
		return err
	}
	return barrier.CallWithDB(database, localWork)
}

// startTopic sends to whoever has subscribed.
func startTopic(gid string, t transfer) error {
	return dtmcli.NewMsg(coordinator, gid).AddTopic("transfer", t).Submit()
}

// subscribe has both ends of a transfer called for each message of the topic.
func subscribe() {
	for _, path := range []string{"/msg/withdraw", "/msg/deposit"} {
		response, err := dtmcli.GetRestyClient().R().
			SetQueryParams(map[string]string{"topic": "transfer", "url": self + path, "remark": "the bank"}).
			Get(coordinator + "/subscribe")
		if err == nil {
			err = dtmcli.HTTPResp2DtmError(response)
		}
		if err != nil {
			log.Printf("subscribe %s: %v", path, err)
		}
	}
}
