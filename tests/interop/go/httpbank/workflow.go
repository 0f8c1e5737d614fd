package httpbank

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/workflow"

	"settle-interop-go/bank"
)

// The same workflow under two names: they differ in when the coordinator resumes one that does not go on.
func registerWorkflows(mux *http.ServeMux) error {
	workflow.InitHTTP(coordinator, self+"/workflow/resume")
	serveCall(mux, "/workflow/resume", func(r *http.Request, body []byte) error {
		query := r.URL.Query()
		_, err := workflow.ExecuteCtx(r.Context(), query.Get("op"), query.Get("gid"), body)
		return err
	})
	return errors.Join(workflow.Register("transfer", transferByWorkflow),
		workflow.Register("transfer-resumed-soon", transferByWorkflow, func(wf *workflow.Workflow) { wf.RetryInterval = 1 }))
}

// transferByWorkflow is run from its begin whenever it is resumed. What succeeded before is not called again: the
// coordinator has kept its result.
func transferByWorkflow(wf *workflow.Workflow, data []byte) error {
	call := func(path string) error {
		_, err := wf.NewRequest().SetHeader("Content-Type", "application/json").SetBody(data).Post(self + path)
		return err
	}
	wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error { return call("/undo-withdrawal") })
	if err := call("/withdraw"); err != nil {
		return err
	}
	wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error { return call("/undo-deposit") })
	return call("/deposit")
}

func startWorkflow(gid string, t *bank.Transfer) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	name := "transfer"
	if t.AnswerIsLost {
		name = "transfer-resumed-soon"
	}
	return workflow.Execute(name, gid, data)
}
