package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// JurisdictionHeader names the jurisdiction of a request that carries or
// returns health data.
const JurisdictionHeader = "Indelible-Jurisdiction"

// Time limits of calls. A unary call waits for a checkpoint, which takes
// milliseconds; the rest is for a slow client and a cluster in an election.
const (
	callTimeout   = 30 * time.Second
	readTimeout   = 20 * time.Second // for the body of a unary call
	writeTimeout  = 30 * time.Second // for a client to take the answer
	streamTimeout = 2 * time.Minute  // between two messages of a stream
)

// frameBytes is what the RPC protocols put around a message.
const frameBytes = 5

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
			g.turnAway(w, r, "unknown", refuse(CodeUnknownRPC))
			return
		}
		who, err := g.who(r, rule)
		if err != nil {
			g.turnAway(w, r, rule.procedure, err)
			return
		}
		leave, err := g.admission.enter(who.ID, laneOf(rule))
		if err != nil {
			g.turnAway(w, r, rule.procedure, err)
			return
		}
		defer leave()
		g.serve(w, r, rule, who, next)
		g.metrics.seconds.WithLabelValues(rule.procedure).Observe(g.now().Sub(began).Seconds())
	})
}

// who decides whether the caller may call at all.
func (g *gate) who(r *http.Request, rule *rule) (*caller, error) {
	who, err := identify(g.log, r)
	if err != nil {
		return nil, err
	}
	if !rule.allows(who.Role) {
		if !rule.recordsDenial() {
			return nil, refuse(CodeCallerForbidden)
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
		return nil, refuse(CodeCallerJurisdiction)
	}
	return who, nil
}

// jurisdiction reads the header and refuses what this node must not receive.
func (g *gate) jurisdiction(r *http.Request) (string, error) {
	names := r.Header.Values(JurisdictionHeader)
	if len(names) == 0 {
		return "", refuse(CodeJurisdictionMissing)
	}
	if len(names) > 1 || !entry.ValidJurisdiction(names[0]) {
		return "", refuse(CodeJurisdictionMalformed)
	}
	if !slices.Contains(g.placement, names[0]) {
		return "", &detailed{Refusal: refuse(CodeNotPlacedHere), beside: g.placed(names[0])}
	}
	return names[0], nil
}

// serve runs the handler with the caller, its bounds and its time.
func (g *gate) serve(w http.ResponseWriter, r *http.Request, rule *rule, who *caller, next http.Handler) {
	ctx := withCaller(r.Context(), who)
	control := http.NewResponseController(w)
	if rule.stream {
		ctx = withPatience(ctx, func() error { return deadlines(control, g.now().Add(streamTimeout), g.now().Add(streamTimeout)) })
		if err := patience(ctx); err != nil {
			g.turnAway(w, r, rule.procedure, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
		return
	}
	if err := deadlines(control, g.now().Add(readTimeout), g.now().Add(callTimeout+writeTimeout)); err != nil {
		g.turnAway(w, r, rule.procedure, err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body := &boundedBody{ReadCloser: r.Body, gate: g, who: who, answer: func(err error) error {
		return g.faults.answer(ctx, rule.procedure, err)
	}}
	defer body.release()
	r = r.WithContext(ctx)
	r.Body = body
	next.ServeHTTP(w, r)
}

// deadlines bound how long a client may take to send and to receive.
func deadlines(control *http.ResponseController, read, write time.Time) error {
	return errors.Join(control.SetReadDeadline(read), control.SetWriteDeadline(write))
}

// turnAway answers a call that does not reach its handler.
func (g *gate) turnAway(w http.ResponseWriter, r *http.Request, procedure string, err error) {
	answer := g.faults.answer(r.Context(), procedure, err)
	g.metrics.calls.WithLabelValues(procedure, connect.CodeOf(answer).String()).Inc()
	// The caller who went away meanwhile misses nothing that counts.
	_ = g.errors.Write(w, r, answer)
}

func laneOf(rule *rule) lane {
	if rule.audit == indeliblev1.Audit_AUDIT_ACCESS || strings.HasPrefix(rule.procedure, "/indelible.v1.ErasureService/") {
		return laneReserved
	}
	return laneOrdinary
}

// boundedBody reads the body of a unary call, refuses what is too large and
// counts what it holds against the caller. Errors are complete answers: the
// RPC library passes them on as they are.
type boundedBody struct {
	io.ReadCloser
	gate   *gate
	who    *caller
	answer func(error) error
	held   int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n == 0 {
		return n, err
	}
	if b.held+int64(n) > b.gate.limits.RequestBytes+frameBytes {
		return 0, b.answer(refuse(CodeRequestTooLarge))
	}
	if holdErr := b.gate.admission.hold(b.who.ID, int64(n)); holdErr != nil {
		return 0, b.answer(holdErr)
	}
	b.held += int64(n)
	return n, err
}

func (b *boundedBody) release() {
	if b.held > 0 {
		b.gate.admission.release(b.who.ID, b.held)
	}
}

type patienceKey struct{}

func withPatience(ctx context.Context, extend func() error) context.Context {
	return context.WithValue(ctx, patienceKey{}, extend)
}

// patience gives the client of a stream another streamTimeout for its next
// message.
func patience(ctx context.Context) error {
	extend, ok := ctx.Value(patienceKey{}).(func() error)
	if !ok {
		return nil
	}
	return extend()
}
