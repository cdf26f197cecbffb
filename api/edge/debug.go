package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"

	"indelible/ledger/entry"
)

// maxProfile is the longest that processor time is measured for one answer.
const maxProfile = 30 * time.Second

// snapshots are the profiles that are there without being taken. Names come from
// this list alone: a library may register others.
var snapshots = map[string]bool{
	"allocs": true, "block": true, "goroutine": true, "heap": true, "mutex": true, "threadcreate": true,
}

// DebugHandler shows operators what the process does with its time and memory:
// /debug/pprof/profile?seconds=N (1 to 30) and /debug/pprof/NAME, for go tool
// pprof, and /debug/vars. It tells names of functions and numbers, nothing that
// was handed in. The handlers of net/http/pprof and expvar are not used: they
// register themselves where something else could serve them, and both answer the
// command line.
func (e *Edge) DebugHandler() http.Handler {
	mux := http.NewServeMux()
	for path, body := range map[string]func(*http.Request) ([]byte, int){
		"GET /debug/vars": debugVars, "GET /debug/pprof/profile": e.profile, "GET /debug/pprof/{name}": snapshot,
	} {
		mux.HandleFunc(path, e.Few("debug", func(w http.ResponseWriter, r *http.Request) {
			status := e.MayFetch(r, entry.RoleOperator)
			if status != http.StatusOK {
				e.PlainFault(w, "debug", status)
				return
			}
			answer, status := body(r)
			if status != http.StatusOK {
				e.PlainFault(w, "debug", status)
				return
			}
			e.Plain(w, "debug", "application/octet-stream", "no-store", answer)
		}))
	}
	return Exactly(mux)
}

func debugVars(*http.Request) ([]byte, int) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	body, err := json.Marshal(map[string]any{"goroutines": runtime.NumGoroutine(), "memstats": memory})
	if err != nil {
		return nil, http.StatusInternalServerError
	}
	return body, http.StatusOK
}

func snapshot(r *http.Request) ([]byte, int) {
	name := r.PathValue("name")
	if !snapshots[name] || r.URL.RawQuery != "" {
		return nil, http.StatusNotFound
	}
	var body bytes.Buffer
	if pprof.Lookup(name).WriteTo(&body, 0) != nil {
		return nil, http.StatusInternalServerError
	}
	return body.Bytes(), http.StatusOK
}

// profile measures for as long as it is told, once at a time, and ends early with
// the call or the node.
func (e *Edge) profile(r *http.Request) ([]byte, int) {
	seconds, err := strconv.ParseUint(r.URL.Query().Get("seconds"), 10, 8)
	length := time.Duration(seconds) * time.Second
	if err != nil || length == 0 || length > maxProfile {
		return nil, http.StatusBadRequest
	}
	var body bytes.Buffer
	if pprof.StartCPUProfile(&body) != nil {
		return nil, http.StatusConflict
	}
	ctx, cancel := context.WithTimeout(r.Context(), length)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-e.stopping:
	}
	pprof.StopCPUProfile()
	return body.Bytes(), http.StatusOK
}
