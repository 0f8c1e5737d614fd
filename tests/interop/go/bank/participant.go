package bank

import (
	"database/sql"
	"errors"
	"sync"

	"github.com/dtm-labs/dtm/client/dtmcli"
)

var answered sync.Map // gids of transfers whose lost answer has been lost

// Note writes down that a participant was called, whatever comes of it.
func Note(gid, branchID, op string) error {
	_, err := Database.Exec("insert into call_log(gid, branch_id, op) values (?, ?, ?)", gid, branchID, op)
	return err
}

// Participate does the work behind the barrier: it and its note in the barrier's table are one transaction.
func Participate(barrier *dtmcli.BranchBarrier, t *Transfer, work Work) error {
	err := barrier.CallWithDB(Database, func(tx *sql.Tx) error { return work(tx, t) })
	if err != nil {
		return err
	}
	return maybeLoseAnswer(barrier.Gid, t)
}

// maybeLoseAnswer fails once for a transfer that asks for it. The work is done by then.
func maybeLoseAnswer(gid string, t *Transfer) error {
	if _, again := answered.LoadOrStore(gid, true); t.AnswerIsLost && !again {
		return errors.New("the answer is lost")
	}
	return nil
}

// WithdrawLocally is the local transaction of a message that the client prepared and will not submit.
func WithdrawLocally(gid string, t *Transfer) error {
	barrier, err := dtmcli.BarrierFrom("msg", gid, "00", "msg")
	if err != nil {
		return err
	}
	return barrier.CallWithDB(Database, func(tx *sql.Tx) error { return Withdraw(tx, t) })
}
