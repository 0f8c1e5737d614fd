package grpcbank

import (
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"settle-interop-go/bank"
)

// startTcc calls each try itself. When the function ends well the coordinator calls the confirms, else the cancels.
func startTcc(gid string, t *bank.Transfer) error {
	return dtmgrpc.TccGlobalTransaction(coordinator, gid, func(tcc *dtmgrpc.TccGrpc) error {
		err := tcc.CallBranch(t, service+"/TryWithdrawal", service+"/ConfirmWithdrawal", service+"/CancelWithdrawal",
			&emptypb.Empty{})
		if err != nil {
			return err
		}
		return tcc.CallBranch(t, service+"/TryDeposit", service+"/ConfirmDeposit", service+"/CancelDeposit", &emptypb.Empty{})
	})
}
