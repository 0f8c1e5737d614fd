// Bank is a service with accounts in a MariaDB that takes part in distributed transactions, and starts them, by the Go
// SDK of DTM. Each mode of transaction has a file: its participants, and the function that starts one.
package main

import (
	"net/http"
	"os"
)

var (
	coordinator = "http://" + os.Getenv("COORDINATOR") + "/api/dtmsvr"
	address     = "127.0.0.1:" + os.Getenv("BANK_PORT")
	self        = "http://" + address
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	serveSaga(mux)
	serveTcc(mux)
	serveMessage(mux)
	serveXa(mux)
	serveWorkflow(mux)
	panic(http.ListenAndServe(address, mux))
}
