package edge

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/validate"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// TestAPanicInAStreamEndsTheStreamAlone: its parts have goroutines of their own,
// where a panic would end the process.
func TestAPanicInAStreamEndsTheStreamAlone(t *testing.T) {
	e, logs := newEdge(t), &bytes.Buffer{}
	e.cfg.Logger = slog.New(slog.NewTextHandler(logs, nil))
	err := e.Guarded(t.Context(), "/x/Y", func() error { panic("canary") })
	var m dto.Metric
	must(t, e.metrics.panics.Write(&m))
	if !errors.Is(err, errPanic) || m.GetCounter().GetValue() != 1 || strings.Contains(logs.String(), "canary") {
		t.Fatalf("got %v, log %s", err, logs)
	}
}

// TestARuleAboutTwoFieldsNamesTheRequest and not a field without a name.
func TestARuleAboutTwoFieldsNamesTheRequest(t *testing.T) {
	e := newEdge(t)
	refused := func(request any) string {
		handler := validate.NewInterceptor().WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, nil })
		var call connect.AnyRequest
		switch r := request.(type) {
		case *indeliblev1.GetConsistencyRequest:
			call = connect.NewRequest(r)
		case *indeliblev1.GetErasureRequest:
			call = connect.NewRequest(r)
		}
		_, err := handler(t.Context(), call)
		return e.Answer(t.Context(), "/x/Y", err).Text
	}
	if got := refused(&indeliblev1.GetConsistencyRequest{OldSize: 2, NewSize: 1}); got != "The request: new_size must not be below old_size." {
		t.Errorf("two fields: %q", got)
	}
	if got := refused(&indeliblev1.GetErasureRequest{}); !strings.HasPrefix(got, "Field request: ") {
		t.Errorf("one field: %q", got)
	}
}

// TestDetailsKeepTheirDelay: an overload that comes with an entry says both.
func TestDetailsKeepTheirDelay(t *testing.T) {
	e := newEdge(t)
	a := e.Answer(t.Context(), "/x/Y", Answer{Refusal: entry.Refuse(entry.CodeOverloaded, "full"), Beside: []proto.Message{&indeliblev1.AccessDenied{}}})
	if a.Wait == 0 || len(a.Beside) != 2 {
		t.Fatalf("%+v", a)
	}
}
