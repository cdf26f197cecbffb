package ledgertest

import (
	"crypto/ed25519"
	"testing"

	"indelible/proof"
)

// Policy believes checkpoints that the log and the world's first node have
// signed.
func (w *World) Policy(tb testing.TB) *proof.Policy {
	tb.Helper()
	n := w.Nodes[0]
	p, err := proof.MajorityPolicy(w.Log, w.Body.Origin, w.LogKey.Public().(ed25519.PublicKey), []proof.PolicyNode{
		{Name: n.Record.Name, Ed25519: n.Cosigner.Public().(ed25519.PublicKey)},
	}, false)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}
