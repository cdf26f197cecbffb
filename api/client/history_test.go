package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
)

// behind is a node that has not published what others have until it was asked for it
// so often.
type behind struct {
	indeliblev1connect.LedgerServiceClient
	t     *testing.T
	until int
	asked int
}

func (n *behind) GetConsistency(context.Context, *connect.Request[indeliblev1.GetConsistencyRequest]) (*connect.Response[indeliblev1.GetConsistencyResponse], error) {
	if n.asked++; n.asked <= n.until {
		return nil, pair(n.t, connect.CodeOutOfRange, &indeliblev1.Refusal{Code: string(wire.CodeSizeBeyondLog), Retryable: true})
	}
	return connect.NewResponse(&indeliblev1.GetConsistencyResponse{}), nil
}

// A node that is behind the one whose checkpoint is to be proven is waited for, for a
// moment; and that it is behind ends nothing for good.
func TestANodeThatIsBehindIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const base = "https://node"
		for until, comes := range map[int]bool{0: true, 3: true, 1 << 20: false} {
			n := &behind{t: t, until: until}
			c := &Client{cfg: Config{URL: base}, nodes: map[string]services{base: {LedgerServiceClient: n}}}
			start := time.Now()
			answer, err := c.consistency(t.Context(), &indeliblev1.GetConsistencyRequest{OldSize: 1, NewSize: 2})
			if comes != (err == nil) || comes != (answer != nil) {
				t.Errorf("behind %d times: %v", until, err)
			}
			if took := time.Since(start); took > behindPatience {
				t.Errorf("behind %d times: it took %v", until, took)
			}
			if _, again := RetryAfter(err); !comes && (!again || !errors.Is(err, errBehind) || !errors.Is(err, ErrUnreachable)) {
				t.Errorf("a node that stays behind: %v", err)
			}
		}
	})
}
