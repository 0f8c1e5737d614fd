package grpcbank

import (
	"net/http"
	"os"
	"strings"

	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"google.golang.org/grpc"

	"settle-interop-go/bank"
)

var (
	// Address is where the bank listens.
	Address = "127.0.0.1:" + os.Getenv("BANK_GRPC_PORT")
	// Self is how others find it: that address, or the place in etcd where it is registered.
	Self        = os.Getenv("BANK_TARGET")
	coordinator = os.Getenv("COORDINATOR_TARGET")
	service     = Self + "/bank.Bank"
)

// ServeStarts lets the test start transactions over gRPC. Each mode has a file.
func ServeStarts(mux *http.ServeMux, grpcServer *grpc.Server) error {
	if strings.HasPrefix(Self, "etcd://") {
		if err := useEtcd(); err != nil {
			return err
		}
	}
	for kind, start := range map[string]bank.Start{
		"saga":               startSaga,
		"saga-mixed":         startMixedSaga,
		"saga-wrong-method":  startSagaOfWrongMethod,
		"saga-wrong-service": startSagaOfWrongService,
		"tcc":                startTcc,
		"msg":                startMessage,
		"topic":              startTopic,
		"xa":                 startXa,
		"workflow":           startWorkflow,
	} {
		bank.ServeStart(mux, kind, func() string { return dtmgrpc.MustGenGid(coordinator) }, start)
	}
	if err := subscribe(); err != nil {
		return err
	}
	return registerWorkflows(grpcServer)
}
