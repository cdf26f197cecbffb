package edge

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

// Few bounds how many plain requests are answered at once, for one key or, where
// none is shown, for one address. A client that asks for much and takes nothing
// would otherwise have it all kept ready for as long as it may.
func (e *Edge) Few(resource string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := keyOf(r)
		if err != nil {
			who = sha256.Sum256([]byte(addressOf(r)))
		}
		leave, err := e.admission.enter(who, laneStatic)
		if err != nil {
			e.metrics.refused(entry.CodeOverloaded)
			w.Header().Set("Retry-After", "1")
			e.PlainFault(w, resource, http.StatusServiceUnavailable)
			return
		}
		defer leave()
		next(w, r)
	}
}

// MayFetch decides whether the caller of a plain request has one of the roles.
func (e *Edge) MayFetch(r *http.Request, roles ...entry.Role) int {
	who, err := e.identify(r)
	if err != nil {
		var refusal *entry.Refusal
		if errors.As(err, &refusal) {
			e.metrics.refused(refusal.Code)
			return http.StatusForbidden
		}
		e.Incident(r.Context(), r.Pattern, err)
		return http.StatusInternalServerError
	}
	if slices.Contains(roles, who.Role) {
		return http.StatusOK
	}
	e.metrics.refused(wire.CodeCallerForbidden)
	return http.StatusForbidden
}

// Plain answers with a body.
func (e *Edge) Plain(w http.ResponseWriter, resource, contentType, keep string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", keep)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	e.metrics.served.WithLabelValues(resource, "200").Inc()
	// A client that went away misses nothing that counts.
	_, _ = w.Write(body)
}

// PlainFault answers with a status and its standard text, never with a word of
// the request.
func (e *Edge) PlainFault(w http.ResponseWriter, resource string, status int) {
	e.metrics.served.WithLabelValues(resource, strconv.Itoa(status)).Inc()
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// Exactly refuses paths the mux would redirect to another spelling: what caches
// keep has one name.
func Exactly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if clean := path.Clean(r.URL.Path); clean != r.URL.Path && clean+"/" != r.URL.Path {
			http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}
