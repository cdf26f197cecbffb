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
	p, err := proof.MajorityPolicy(w.Log, w.Body.Origin, public(w.LogKey), []proof.PolicyNode{
		{Name: n.Record.Name, Ed25519: public(n.Cosigner)},
	}, false)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// public is the second half of a private key (RFC 8032 §5.1.5).
func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }
