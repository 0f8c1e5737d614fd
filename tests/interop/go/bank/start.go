package bank

import (
	"encoding/json"
	"log"
	"net/http"
)

// Start lets a client begin one transaction.
type Start func(gid string, t *Transfer) error

// ServeStart lets the test start a transaction of that kind. The answer tells its gid, and with what error the SDK's call
// ended.
func ServeStart(mux *http.ServeMux, kind string, newGid func() string, start Start) {
	mux.HandleFunc("POST /start/"+kind, func(w http.ResponseWriter, r *http.Request) {
		t := &Transfer{}
		if err := json.NewDecoder(r.Body).Decode(t); err != nil {
			Answer(w, http.StatusBadRequest, err.Error())
			return
		}
		started := map[string]string{"gid": newGid(), "error": ""}
		if err := start(started["gid"], t); err != nil {
			started["error"] = err.Error()
		}
		log.Printf("%s: %v", kind, started)
		Answer(w, http.StatusOK, started)
	})
}

// Answer writes the body as JSON.
func Answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
