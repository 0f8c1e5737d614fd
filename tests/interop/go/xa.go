package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/go-resty/resty/v2"
)

func serveXa(mux *http.ServeMux) {
	serveStart(mux, "xa", startXa)
	serveXaBranch(mux, "/xa/withdraw", withdraw)
	serveXaBranch(mux, "/xa/deposit", deposit)
}

// serveXaBranch serves one url for all: the work that the database prepares, and the coordinator's commit or rollback.
//
// MariaDB lets another connection finish what one has prepared only when that one has ended, and says until then that
// there is nothing to finish, which the SDK takes for done. So it is done again while the database has it.
func serveXaBranch(mux *http.ServeMux, path string, work func(db dtmcli.DB, t transfer) error) {
	serveCall(mux, path, func(r *http.Request, body []byte) error {
		query := r.URL.Query()
		for {
			err := dtmcli.XaLocalTransaction(query, databaseConfig, func(db *sql.DB, _ *dtmcli.Xa) error {
				var t transfer
				if err := json.Unmarshal(body, &t); err != nil {
					return err
				}
				return work(db, t)
			})
			if err != nil || query.Get("op") == "action" {
				return err
			}
			prepared, err := isPrepared(r.Context(), query.Get("gid")+"-"+query.Get("branch_id"))
			if err != nil || !prepared {
				return err
			}
		}
	})
}

func isPrepared(ctx context.Context, branch string) (bool, error) {
	rows, err := database.QueryContext(ctx, "xa recover")
	if err != nil {
		return false, err
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		var format, gidLength, branchLength int
		var prepared string
		if err := rows.Scan(&format, &gidLength, &branchLength, &prepared); err != nil {
			return false, err
		}
		found = found || prepared == branch
	}
	return found, rows.Err()
}

func startXa(gid string, t transfer) error {
	return dtmcli.XaGlobalTransaction(coordinator, gid, func(xa *dtmcli.Xa) (*resty.Response, error) {
		response, err := xa.CallBranch(t, self+"/xa/withdraw")
		if err != nil {
			return response, err
		}
		return xa.CallBranch(t, self+"/xa/deposit")
	})
}
