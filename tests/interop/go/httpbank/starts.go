package httpbank

import (
	"net/http"
	"os"

	"github.com/dtm-labs/dtm/client/dtmcli"

	"settle-interop-go/bank"
)

var (
	// Address is where the bank listens.
	Address     = "127.0.0.1:" + os.Getenv("BANK_PORT")
	self        = "http://" + Address
	coordinator = "http://" + os.Getenv("COORDINATOR") + "/api/dtmsvr"
)

// ServeStarts lets the test start transactions over HTTP. Each mode has a file.
func ServeStarts(mux *http.ServeMux) error {
	for kind, start := range map[string]bank.Start{
		"saga":       startSaga,
		"saga-mixed": startMixedSaga,
		"tcc":        startTcc,
		"msg":        startMessage,
		"topic":      startTopic,
		"xa":         startXa,
		"workflow":   startWorkflow,
	} {
		bank.ServeStart(mux, kind, func() string { return dtmcli.MustGenGid(coordinator) }, start)
	}
	if err := subscribe(); err != nil {
		return err
	}
	return registerWorkflows(mux)
}
