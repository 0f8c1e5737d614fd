package httpbank

import (
	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/go-resty/resty/v2"

	"settle-interop-go/bank"
)

// startXa calls each branch itself; its work is prepared in the database. The coordinator then commits or rolls back.
func startXa(gid string, t *bank.Transfer) error {
	return dtmcli.XaGlobalTransaction(coordinator, gid, func(xa *dtmcli.Xa) (*resty.Response, error) {
		response, err := xa.CallBranch(t, self+"/xa/withdraw")
		if err != nil {
			return response, err
		}
		return xa.CallBranch(t, self+"/xa/deposit")
	})
}
