package grpcbank

import (
	"context"
	"errors"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"settle-interop-go/bank"
	"settle-interop-go/bankpb"
)

// The same workflow under two names: they differ in when the coordinator resumes one that does not go on. The coordinator
// calls workflow.Workflow/Execute, which the SDK adds to the server.
func registerWorkflows(grpcServer *grpc.Server) error {
	connection, err := grpc.Dial(Self, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(workflow.Interceptor))
	if err != nil {
		return err
	}
	workflow.InitGrpc(coordinator, Self, grpcServer)
	transfer := transferBy(bankpb.NewBankClient(connection))
	return errors.Join(workflow.Register("transfer", transfer),
		workflow.Register("transfer-resumed-soon", transfer, func(wf *workflow.Workflow) { wf.RetryInterval = 1 }))
}

// transferBy makes the workflow. It is run from its begin whenever it is resumed. What succeeded before is not called
// again: the coordinator has kept its result, and the interceptor of the connection answers with it.
func transferBy(bank bankpb.BankClient) workflow.WfFunc {
	return func(wf *workflow.Workflow, data []byte) error {
		t := &bankpb.Transfer{}
		if err := proto.Unmarshal(data, t); err != nil {
			return err
		}
		wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error {
			_, err := bank.UndoWithdrawal(wf.Context, t)
			return err
		})
		if _, err := bank.Withdraw(wf.Context, t); err != nil {
			return err
		}
		wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error {
			_, err := bank.UndoDeposit(wf.Context, t)
			return err
		})
		_, err := bank.Deposit(wf.Context, t)
		return err
	}
}

func startWorkflow(gid string, t *bank.Transfer) error {
	data, err := proto.Marshal(t)
	if err != nil {
		return err
	}
	name := "transfer"
	if t.AnswerIsLost {
		name = "transfer-resumed-soon"
	}
	_, err = workflow.ExecuteCtx(context.Background(), name, gid, data)
	return err
}
