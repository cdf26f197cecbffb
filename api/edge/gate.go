package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// CallTimeout and the others bound the time of calls. A unary call waits for a
// checkpoint, which takes milliseconds; the rest is for a slow client and a
// cluster in an election.
const (
	CallTimeout   = 30 * time.Second
	readTimeout   = 20 * time.Second // for the body of a unary call
	writeTimeout  = 30 * time.Second // for a client to take the answer
	streamTimeout = 2 * time.Minute  // between two messages of a stream
)

// openBytes is the most a health check or a reflection query may hold.
const openBytes = 64 << 10

// Gate puts what every RPC passes before its handlers, before a byte of the body
// is read: who is it, may its role, is this node placed there, is there room.
func (e *Edge) Gate(next http.Handler) http.Handler {
	return e.gate(next, func(path string) *rule { return e.rules[path] })
}

// openRule is that of health checks and reflection: for all who may connect,
// enrolled or not, and therefore small and few.
var openRule = &rule{procedure: "open", open: true}

func (e *Edge) open(next http.Handler) http.Handler {
	return e.gate(next, func(string) *rule { return openRule })
}

func (e *Edge) gate(next http.Handler, find func(path string) *rule) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := e.cfg.Now()
		rule := find(r.URL.Path)
		if rule == nil {
			e.turnAway(w, r, "unknown", wire.Refuse(wire.CodeUnknownRPC))
			return
		}
		who, err := e.who(r, rule)
		if err == nil {
			err = readable(r)
		}
		var leave func()
		if err == nil {
			leave, err = e.admission.enter(who.ID, laneOf(rule, who))
		}
		if err != nil {
			e.turnAway(w, r, rule.procedure, err)
			return
		}
		defer leave()
		e.handle(w, r, rule, who, next)
		if !rule.stream && !rule.open { // streams are timed by batch
			e.Timed(rule.procedure, e.cfg.Now().Sub(began))
		}
	})
}

// who decides whether the caller may call at all.
func (e *Edge) who(r *http.Request, rule *rule) (*Caller, error) {
	if rule.open {
		key, err := keyOf(r)
		return &Caller{Author: &ledger.Author{ID: key}}, err
	}
	who, err := e.identify(r)
	if err != nil {
		return nil, err
	}
	if !rule.allows(who.Role) {
		if !rule.recordsDenial() {
			return nil, wire.Refuse(wire.CodeCallerForbidden)
		}
		who.Forbidden = true
	}
	if !rule.GetPhi() {
		return who, nil
	}
	if who.Jurisdiction, err = e.jurisdiction(r); err != nil {
		return nil, err
	}
	if !who.May(who.Jurisdiction) {
		if !rule.recordsDenial() {
			return nil, wire.Refuse(wire.CodeCallerJurisdiction)
		}
		who.Forbidden = true
	}
	return who, nil
}

// jurisdiction reads the header and refuses what this node must not receive.
func (e *Edge) jurisdiction(r *http.Request) (string, error) {
	names := r.Header.Values(wire.JurisdictionHeader)
	if len(names) == 0 {
		return "", wire.Refuse(wire.CodeJurisdictionMissing)
	}
	if len(names) > 1 || !entry.ValidJurisdiction(names[0]) {
		return "", wire.Refuse(wire.CodeJurisdictionMalformed)
	}
	if !slices.Contains(e.cfg.Placement, names[0]) {
		return "", Answer{Refusal: wire.Refuse(wire.CodeNotPlacedHere), Beside: []proto.Message{e.cfg.Placed(names[0])}}
	}
	return names[0], nil
}

// handle runs the handler with the caller, its bounds and its time.
func (e *Edge) handle(w http.ResponseWriter, r *http.Request, rule *rule, who *Caller, next http.Handler) {
	ctx, control := r.Context(), http.NewResponseController(w)
	body := e.intake(r, who.ID)
	defer body.release()
	if !rule.stream {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, CallTimeout)
		defer cancel()
	}
	switch {
	case rule.open:
		body.limit, body.many = openBytes, true
		body.answer = func(err error) error { return e.Error(ctx, rule.procedure, err) }
	case rule.stream:
		body.framed, body.many = true, true
		ctx = withLine(WithCaller(ctx, who), &Line{body: body, control: control, now: e.cfg.Now})
	default:
		ctx = WithCaller(ctx, who)
		// What ends the body of a unary call does not pass the interceptors.
		body.answer = func(err error) error { return e.counted(ctx, rule.procedure, err) }
		// On HTTP/1.1 the deadline outlives the body and would end the call itself.
		body.ended = func() error {
			until := e.cfg.Now().Add(CallTimeout + writeTimeout)
			return deadlines(control, until, until)
		}
	}
	r = r.WithContext(ctx)
	r.Body = body
	next.ServeHTTP(w, r)
}

// counted is Error, counted; also where nothing went wrong.
func (e *Edge) counted(ctx context.Context, procedure string, err error) error {
	answer := e.Error(ctx, procedure, err)
	code := "ok"
	if answer != nil {
		code = connect.CodeOf(answer).String()
	}
	e.metrics.calls.WithLabelValues(procedure, code).Inc()
	return answer
}

// intake puts the bounds of a call around its body.
func (e *Edge) intake(r *http.Request, who entry.AuthorID) *intake {
	return &intake{
		ReadCloser: r.Body, limit: int64(e.limits.RequestBytes), framed: framing(r),
		hold:   func(n int64) error { return e.admission.hold(who, n) },
		drop:   func(n int64) { e.admission.release(who, n) },
		answer: func(err error) error { return err },
	}
}

// timed bounds every request from its first byte to its last, tiles and
// refusals included: a client that neither sends nor takes what it asked for
// would keep its goroutine and its answer without end.
func (e *Edge) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, write := e.cfg.Now().Add(readTimeout), e.cfg.Now().Add(CallTimeout+writeTimeout)
		if r.ContentLength == 0 {
			read = write // nothing is to be read; on HTTP/1.1 the deadline would end the call itself
		}
		if err := deadlines(http.NewResponseController(w), read, write); err != nil {
			e.Incident(r.Context(), "connection", err)
			e.PlainFault(w, "connection", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errDeadlines stands for the error of a connection that takes no deadlines,
// whose own text has its addresses in it.
var errDeadlines = errors.New("edge: the connection takes no deadlines")

// deadlines bound how long a client may take to send and to receive.
func deadlines(control *http.ResponseController, read, write time.Time) error {
	if errors.Join(control.SetReadDeadline(read), control.SetWriteDeadline(write)) != nil {
		return errDeadlines
	}
	return nil
}

// turnAway answers a call that does not reach its handler.
func (e *Edge) turnAway(w http.ResponseWriter, r *http.Request, procedure string, err error) {
	answer := e.counted(r.Context(), procedure, err)
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// HTTP/1.1 would read the body first, of a caller who may never send it.
		w.Header().Set("Connection", "close")
	}
	if e.errors.Write(w, r, answer) != nil {
		// The error has addresses in it, and who went away misses nothing that counts.
		e.cfg.Logger.LogAttrs(r.Context(), slog.LevelDebug, "a refusal was not taken", slog.String("procedure", procedure))
	}
}

// laneOf keeps the reserved lane for those who may do what it is reserved for:
// the others are refused by an entry of their own, but not before the rest. It is
// chosen before the body is read: what an officer appends goes by it whatever it
// is, one caller getting a part of it only.
func laneOf(rule *rule, who *Caller) lane {
	switch {
	case rule.open:
		return laneOpen
	case !who.Forbidden && slices.Contains(rule.GetReserved(), indeliblev1.Role(who.Role)):
		return laneReserved
	}
	return laneOrdinary
}
