package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// Time limits of calls. A unary call waits for a checkpoint, which takes
// milliseconds; the rest is for a slow client and a cluster in an election.
const (
	callTimeout   = 30 * time.Second
	readTimeout   = 20 * time.Second // for the body of a unary call
	writeTimeout  = 30 * time.Second // for a client to take the answer
	streamTimeout = 2 * time.Minute  // between two messages of a stream
)

// openBytes is the most a health check or a reflection query may hold.
const openBytes = 64 << 10

// gate is what every RPC passes before a byte of its body is read: who is it,
// may its role, is this node placed there, is there room.
type gate struct {
	rules     map[string]*rule
	log       *ledger.Ledger
	placement []string
	placed    func(jurisdiction string) *indeliblev1.Placement
	admission *admission
	limits    Limits
	faults    *faults
	metrics   *metrics
	errors    *connect.ErrorWriter
	now       func() time.Time
}

// wrap puts the gate before the RPC handlers.
func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := g.now()
		rule, ok := g.rules[r.URL.Path]
		if !ok {
			g.turnAway(w, r, "unknown", wire.Refuse(wire.CodeUnknownRPC))
			return
		}
		who, err := g.who(r, rule)
		if err == nil {
			err = readable(r)
		}
		if err != nil {
			g.turnAway(w, r, rule.procedure, err)
			return
		}
		leave, err := g.admission.enter(who.ID, laneOf(rule, who))
		if err != nil {
			g.turnAway(w, r, rule.procedure, err)
			return
		}
		defer leave()
		g.serve(w, r, rule, who, next)
		if !rule.stream { // streams are timed by batch
			g.metrics.seconds.WithLabelValues(rule.procedure).Observe(g.now().Sub(began).Seconds())
		}
	})
}

// open is the gate of health checks and reflection: for whoever may connect,
// enrolled or not, and therefore small and few.
func (g *gate) open(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, err := keyOf(r)
		if err == nil {
			err = readable(r)
		}
		if err != nil {
			g.turnAway(w, r, "open", err)
			return
		}
		leave, err := g.admission.enter(key, laneOpen)
		if err != nil {
			g.turnAway(w, r, "open", err)
			return
		}
		defer leave()
		ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
		defer cancel()
		body := g.intake(r, key)
		body.limit, body.many = openBytes, true
		body.answer = func(err error) error { return g.faults.answer(ctx, "open", err) }
		defer body.release()
		r = r.WithContext(ctx)
		r.Body = body
		next.ServeHTTP(w, r)
	})
}

// who decides whether the caller may call at all.
func (g *gate) who(r *http.Request, rule *rule) (*caller, error) {
	who, err := identify(g.log, r, g.now())
	if err != nil {
		return nil, err
	}
	if !rule.allows(who.Role) {
		if !rule.recordsDenial() {
			return nil, wire.Refuse(wire.CodeCallerForbidden)
		}
		who.forbidden = true
	}
	if !rule.phi {
		return who, nil
	}
	who.jurisdiction, err = g.jurisdiction(r)
	if err != nil {
		return nil, err
	}
	if !who.May(who.jurisdiction) {
		if !rule.recordsDenial() {
			return nil, wire.Refuse(wire.CodeCallerJurisdiction)
		}
		who.forbidden = true
	}
	return who, nil
}

// jurisdiction reads the header and refuses what this node must not receive.
func (g *gate) jurisdiction(r *http.Request) (string, error) {
	names := r.Header.Values(wire.JurisdictionHeader)
	if len(names) == 0 {
		return "", wire.Refuse(wire.CodeJurisdictionMissing)
	}
	if len(names) > 1 || !entry.ValidJurisdiction(names[0]) {
		return "", wire.Refuse(wire.CodeJurisdictionMalformed)
	}
	if !slices.Contains(g.placement, names[0]) {
		return "", &detailed{Refusal: wire.Refuse(wire.CodeNotPlacedHere), beside: g.placed(names[0])}
	}
	return names[0], nil
}

// serve runs the handler with the caller, its bounds and its time.
func (g *gate) serve(w http.ResponseWriter, r *http.Request, rule *rule, who *caller, next http.Handler) {
	ctx := withCaller(r.Context(), who)
	control := http.NewResponseController(w)
	body := g.intake(r, who.ID)
	defer body.release()
	if rule.stream {
		body.framed, body.many = true, true
		on := &line{body: body, control: control, now: g.now}
		r = r.WithContext(withLine(ctx, on))
		r.Body = body
		next.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// What ends the body of a unary call does not pass the interceptors.
	body.answer = func(err error) error {
		answer := g.faults.answer(ctx, rule.procedure, err)
		g.metrics.calls.WithLabelValues(rule.procedure, connect.CodeOf(answer).String()).Inc()
		return answer
	}
	// On HTTP/1.1 the deadline outlives the body and would end the call itself.
	body.ended = func() error {
		until := g.now().Add(callTimeout + writeTimeout)
		return deadlines(control, until, until)
	}
	r = r.WithContext(ctx)
	r.Body = body
	next.ServeHTTP(w, r)
}

// intake puts the bounds of a call around its body.
func (g *gate) intake(r *http.Request, who entry.AuthorID) *intake {
	return &intake{
		ReadCloser: r.Body, limit: g.limits.RequestBytes, framed: framing(r),
		hold:   func(n int64) error { return g.admission.hold(who, n) },
		drop:   func(n int64) { g.admission.release(who, n) },
		answer: func(err error) error { return err },
	}
}

// timed bounds every request from its first byte to its last, tiles and
// refusals included: a client that neither sends nor takes what it asked for
// would keep its goroutine and its answer for ever.
func (s *Server) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := s.cfg.Now()
		if err := deadlines(http.NewResponseController(w), now.Add(readTimeout), now.Add(callTimeout+writeTimeout)); err != nil {
			s.faults.incident(r.Context(), "connection", err)
			s.plainFault(w, "connection", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errDeadlines stands for the error of a connection that takes no deadlines,
// whose own text has its addresses in it.
var errDeadlines = errors.New("api: the connection takes no deadlines")

// deadlines bound how long a client may take to send and to receive.
func deadlines(control *http.ResponseController, read, write time.Time) error {
	if errors.Join(control.SetReadDeadline(read), control.SetWriteDeadline(write)) != nil {
		return errDeadlines
	}
	return nil
}

// turnAway answers a call that does not reach its handler.
func (g *gate) turnAway(w http.ResponseWriter, r *http.Request, procedure string, err error) {
	answer := g.faults.answer(r.Context(), procedure, err)
	g.metrics.calls.WithLabelValues(procedure, connect.CodeOf(answer).String()).Inc()
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// HTTP/1.1 would read the body first, of a caller who may never send it.
		w.Header().Set("Connection", "close")
	}
	if g.errors.Write(w, r, answer) != nil {
		// The error has addresses in it, and who went away misses nothing that counts.
		g.faults.logger.LogAttrs(r.Context(), slog.LevelDebug, "a refusal was not taken", slog.String("procedure", procedure))
	}
}

// laneOf keeps the reserved lane for those who may do what it is reserved for:
// the others are refused by an entry of their own, but not before the rest. It is
// chosen before the body is read: what an officer appends goes by it whatever it
// is, one caller getting a part of it only.
func laneOf(rule *rule, who *caller) lane {
	if !who.forbidden && slices.Contains(rule.reserved, who.Role) {
		return laneReserved
	}
	return laneOrdinary
}
