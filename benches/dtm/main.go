// Starts the DTM server, so that it can be measured beside settled. It takes its settings from the environment.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/dtm-labs/dtm/dtmsvr/entry"
	_ "github.com/dtm-labs/dtm/dtmsvr/microservices"
)

func main() {
	version := "1.19.0"
	if app, _ := entry.Main(&version); app == nil {
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}
