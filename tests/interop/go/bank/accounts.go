// Package bank is what the bank does, whichever way it is called: its accounts in a MariaDB, behind the barriers of
// DTM's Go SDK.
package bank

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/dtm-labs/dtm/client/dtmcli"
	_ "github.com/go-sql-driver/mysql"

	"settle-interop-go/bankpb"
)

// Transfer is what a client asks for, and what each participant is told.
type Transfer = bankpb.Transfer

// Work is one participant's part of a transfer, in a transaction of the database.
type Work func(db dtmcli.DB, t *Transfer) error

var (
	databasePort, _ = strconv.ParseInt(os.Getenv("DATABASE_PORT"), 10, 64)

	// Database is where the accounts are.
	Database = openDatabase()
	// DatabaseConfig is the same for those parts of the SDK that open it themselves.
	DatabaseConfig = dtmcli.DBConf{Driver: "mysql", Host: "127.0.0.1", Port: databasePort, User: "bank", Password: "bank",
		Db: "bank"}
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

func Withdraw(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance - ? where name = ? and not closed and balance >= ?",
		t.Amount, t.Payer, t.Amount)
}

func Deposit(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance + ? where name = ? and not closed", t.Amount, t.Payee)
}

// UndoWithdrawal and UndoDeposit do not look whether the account is closed: only the barrier keeps them from undoing what
// was never done.
func UndoWithdrawal(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance + ? where name = ?", t.Amount, t.Payer)
}

func UndoDeposit(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance - ? where name = ?", t.Amount, t.Payee)
}

func TryWithdrawal(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance - ?, frozen = frozen + ? where name = ? and not closed "+
		"and balance >= ?", t.Amount, t.Amount, t.Payer, t.Amount)
}

func ConfirmWithdrawal(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set frozen = frozen - ? where name = ?", t.Amount, t.Payer)
}

func CancelWithdrawal(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance + ?, frozen = frozen - ? where name = ?", t.Amount, t.Amount,
		t.Payer)
}

func TryDeposit(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set frozen = frozen + ? where name = ? and not closed", t.Amount, t.Payee)
}

func ConfirmDeposit(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set balance = balance + ?, frozen = frozen - ? where name = ?", t.Amount, t.Amount,
		t.Payee)
}

func CancelDeposit(db dtmcli.DB, t *Transfer) error {
	return change(db, "update account set frozen = frozen - ? where name = ?", t.Amount, t.Payee)
}
