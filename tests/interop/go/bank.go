package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/dtm-labs/dtm/client/dtmcli"
	_ "github.com/go-sql-driver/mysql"
)

type transfer struct {
	Payer        string `json:"payer"`
	Payee        string `json:"payee"`
	Amount       int64  `json:"amount"`
	AnswerIsLost bool   `json:"answer_is_lost"` // the first call does its work and answers with an error
	Vanishes     string `json:"vanishes"`       // "before" or "after" the local transaction of a message
}

var (
	databasePort, _ = strconv.ParseInt(os.Getenv("DATABASE_PORT"), 10, 64)
	databaseConfig  = dtmcli.DBConf{Driver: "mysql", Host: "127.0.0.1", Port: databasePort, User: "bank", Password: "bank",
		Db: "bank"}
	database = openDatabase()
	answered sync.Map // gids of transfers whose lost answer has been lost
)

func openDatabase() *sql.DB {
	opened, err := sql.Open("mysql", fmt.Sprintf("bank:bank@tcp(127.0.0.1:%d)/bank", databasePort))
	if err != nil {
		panic(err)
	}
	return opened
}

// change runs a statement on one account. Where it finds none that is open and has enough, that is a refusal: the
// coordinator does not try again but rolls back.
func change(db dtmcli.DB, statement string, arguments ...any) error {
	result, err := db.Exec(statement, arguments...)
	if err != nil {
		return err
	}
	if count, err := result.RowsAffected(); err != nil || count == 0 {
		return errors.Join(err, fmt.Errorf("the account refuses: %w", dtmcli.ErrFailure))
	}
	return nil
}

func withdraw(db dtmcli.DB, t transfer) error {
	return change(db, "update account set balance = balance - ? where name = ? and not closed and balance >= ?",
		t.Amount, t.Payer, t.Amount)
}

func deposit(db dtmcli.DB, t transfer) error {
	return change(db, "update account set balance = balance + ? where name = ? and not closed", t.Amount, t.Payee)
}

// These two do not look whether the account is closed: only the barrier keeps them from undoing what was never done.
func undoWithdrawal(db dtmcli.DB, t transfer) error {
	return change(db, "update account set balance = balance + ? where name = ?", t.Amount, t.Payer)
}

func undoDeposit(db dtmcli.DB, t transfer) error {
	return change(db, "update account set balance = balance - ? where name = ?", t.Amount, t.Payee)
}

// maybeLoseAnswer fails once for a transfer that asks for it. The work is done by then.
func maybeLoseAnswer(gid string, t transfer) error {
	if _, again := answered.LoadOrStore(gid, true); t.AnswerIsLost && !again {
		return errors.New("the answer is lost")
	}
	return nil
}

// serveCall serves what the coordinator or a client calls in a transaction: it notes the call, and answers as the handler
// decides. 409 refuses, 500 has the call repeated.
func serveCall(mux *http.ServeMux, path string, handle func(r *http.Request, body []byte) error) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		_, err := database.Exec("insert into call_log(gid, branch_id, op) values (?, ?, ?)", query.Get("gid"),
			query.Get("branch_id"), query.Get("op"))
		var body []byte
		if err == nil {
			body, err = io.ReadAll(r.Body)
		}
		if err == nil {
			err = handle(r, body)
		}
		status, result := dtmcli.Result2HttpJSON(err)
		log.Printf("%s: %d %v", r.URL, status, err)
		answer(w, status, result)
	})
}

// serveBarred is serveCall with the barrier around the work: it and its note in the barrier's table are one transaction.
func serveBarred(mux *http.ServeMux, path string, work func(db dtmcli.DB, t transfer) error) {
	serveCall(mux, path, func(r *http.Request, body []byte) error {
		var t transfer
		if err := json.Unmarshal(body, &t); err != nil {
			return err
		}
		barrier, err := dtmcli.BarrierFromQuery(r.URL.Query())
		if err != nil {
			return err
		}
		if err := barrier.CallWithDB(database, func(tx *sql.Tx) error { return work(tx, t) }); err != nil {
			return err
		}
		return maybeLoseAnswer(barrier.Gid, t)
	})
}

// serveStart lets the test start a transaction. The answer tells its gid, and with what error the SDK's call ended.
func serveStart(mux *http.ServeMux, kind string, start func(gid string, t transfer) error) {
	mux.HandleFunc("POST /start/"+kind, func(w http.ResponseWriter, r *http.Request) {
		var t transfer
		if err := json.NewDecoder(r.Body).Decode(&t); err != nil {
			answer(w, http.StatusBadRequest, err.Error())
			return
		}
		started := map[string]string{"gid": dtmcli.MustGenGid(coordinator), "error": ""}
		if err := start(started["gid"], t); err != nil {
			started["error"] = err.Error()
		}
		log.Printf("%s: %v", kind, started)
		answer(w, http.StatusOK, started)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
