package httpbank

import (
	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/go-resty/resty/v2"

	"settle-interop-go/bank"
)

// startTcc calls each try itself. When the function ends well the coordinator calls the confirms, else the cancels.
func startTcc(gid string, t *bank.Transfer) error {
	return dtmcli.TccGlobalTransaction(coordinator, gid, func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		response, err := tcc.CallBranch(t, self+"/try-withdrawal", self+"/confirm-withdrawal", self+"/cancel-withdrawal")
		if err != nil {
			return response, err
		}
		return tcc.CallBranch(t, self+"/try-deposit", self+"/confirm-deposit", self+"/cancel-deposit")
	})
}
