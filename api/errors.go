package api

import (
	"errors"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/raft"
)

// sentinels is the one table from the errors of the packages below to codes.
// What it names INCIDENT is known and still nothing a caller can act on. An
// error that is neither here nor a refusal becomes an incident too, and the
// test that reads the sources of those packages fails until it is decided.
var sentinels = []struct {
	err  error
	code entry.Code
}{
	{raft.ErrNotLeader, wire.CodeNoLeader},
	{raft.ErrOutcomeUnknown, entry.CodeOutcomeUnknown},
	{raft.ErrStopped, wire.CodeNodeStopping},
	{raft.ErrUnknownGroup, wire.CodeNotPlacedHere},
	{raft.ErrTooLarge, entry.CodeTooLarge},
	{raft.ErrBroken, wire.CodeIncident},
	{ledger.ErrBeyond, wire.CodeSizeBeyondLog},
}

// foreseen is what an error of the packages below, which is no refusal, amounts
// to.
func foreseen(err error) (edge.Answer, bool) {
	var over *raft.Overloaded
	if errors.As(err, &over) {
		return edge.Overloaded(indeliblev1.Bound_BOUND_QUEUE, wire.Refuse(entry.CodeOverloaded).Text, over.RetryAfter), true
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) && s.code != wire.CodeIncident {
			return edge.RefusalAnswer(wire.Refuse(s.code)), true
		}
	}
	return edge.Answer{}, false
}
