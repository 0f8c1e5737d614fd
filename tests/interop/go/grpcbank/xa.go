package grpcbank

import (
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"settle-interop-go/bank"
)

// startXa calls each branch itself; its work is prepared in the database. The coordinator then commits or rolls back.
func startXa(gid string, t *bank.Transfer) error {
	return dtmgrpc.XaGlobalTransaction(coordinator, gid, func(xa *dtmgrpc.XaGrpc) error {
		if err := xa.CallBranch(t, service+"/WithdrawByXa", &emptypb.Empty{}); err != nil {
			return err
		}
		return xa.CallBranch(t, service+"/DepositByXa", &emptypb.Empty{})
	})
}
