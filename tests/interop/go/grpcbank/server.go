// Package grpcbank is the bank over gRPC: its participants, and the transactions that it starts by dtmgrpc.
package grpcbank

import (
	"context"
	"database/sql"
	"log"

	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/dtm-labs/dtm/client/dtmgrpc/dtmgimp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"settle-interop-go/bank"
	"settle-interop-go/bankpb"
)

type server struct {
	bankpb.UnimplementedBankServer
}

// NewServer serves what the coordinator calls, and clients in a tcc, an xa or a workflow.
func NewServer() *grpc.Server {
	created := grpc.NewServer(grpc.UnaryInterceptor(noteCall))
	bankpb.RegisterBankServer(created, server{})
	return created
}

// noteCall notes each call, and answers as the handler decides: ABORTED refuses, UNKNOWN has the call repeated.
func noteCall(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	caller := dtmgimp.TransBaseFromGrpc(ctx)
	err := bank.Note(caller.Gid, caller.BranchID, caller.Op)
	var answer any
	if err == nil {
		answer, err = handle(ctx, request)
	}
	log.Printf("%s %s %s %s: %v", info.FullMethod, caller.Gid, caller.BranchID, caller.Op, err)
	return answer, dtmgrpc.DtmError2GrpcError(err)
}

// barred does the work behind the barrier.
func barred(ctx context.Context, t *bank.Transfer, work bank.Work) (*emptypb.Empty, error) {
	barrier, err := dtmgrpc.BarrierFromGrpc(ctx)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, bank.Participate(barrier, t, work)
}

func byXa(ctx context.Context, t *bank.Transfer, work bank.Work) (*emptypb.Empty, error) {
	caller, err := dtmgrpc.XaGrpcFromRequest(ctx)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, bank.TakePart(ctx, caller.Gid, caller.BranchID, caller.Op, func() error {
		return dtmgrpc.XaLocalTransaction(ctx, bank.DatabaseConfig, func(db *sql.DB, _ *dtmgrpc.XaGrpc) error {
			return work(db, t)
		})
	})
}

func (server) QueryPrepared(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	barrier, err := dtmgrpc.BarrierFromGrpc(ctx)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, barrier.QueryPrepared(bank.Database)
}

func (server) Withdraw(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.Withdraw)
}

func (server) UndoWithdrawal(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.UndoWithdrawal)
}

func (server) Deposit(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.Deposit)
}

func (server) UndoDeposit(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.UndoDeposit)
}

func (server) TryWithdrawal(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.TryWithdrawal)
}

func (server) ConfirmWithdrawal(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.ConfirmWithdrawal)
}

func (server) CancelWithdrawal(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.CancelWithdrawal)
}

func (server) TryDeposit(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.TryDeposit)
}

func (server) ConfirmDeposit(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.ConfirmDeposit)
}

func (server) CancelDeposit(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return barred(ctx, t, bank.CancelDeposit)
}

func (server) WithdrawByXa(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return byXa(ctx, t, bank.Withdraw)
}

func (server) DepositByXa(ctx context.Context, t *bank.Transfer) (*emptypb.Empty, error) {
	return byXa(ctx, t, bank.Deposit)
}
