package rafttest

import (
	"crypto/ed25519"
	"testing"
	"time"

	"filippo.io/mldsa"

	"indelible/ledger/ledgertest"
	"indelible/proof"
)

// World is a ledgertest.World whose one node can also publish checkpoints.
type World struct {
	*ledgertest.World
	MLDSA  *mldsa.PrivateKey
	Policy *proof.Policy // one node, Ed25519
	PQ     *proof.Policy // one node, ML-DSA-44
	began  time.Time
}

// NewWorld makes a world with one node, placed in all its jurisdictions.
func NewWorld(tb testing.TB, seed uint64) *World { return NewWorldOf(tb, seed, ledgertest.Spec{}) }

// NewWorldOf makes a world as a Spec says, except for its nodes: there is one.
func NewWorldOf(tb testing.TB, seed uint64, spec ledgertest.Spec) *World {
	tb.Helper()
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seedBytes(seed))
	if err != nil {
		tb.Fatal(err)
	}
	spec.Nodes = []ledgertest.NodeSpec{{MLDSAKey: key.PublicKey().Bytes()}}
	w := &World{World: ledgertest.NewWorldOf(tb, seed, spec), MLDSA: key, began: time.Now()}
	w.Policy, w.PQ = w.policy(tb, false), w.policy(tb, true)
	return w
}

func seedBytes(seed uint64) []byte {
	b := make([]byte, mldsa.PrivateKeySize)
	for i := range 8 {
		b[i] = byte(seed >> (8 * i))
	}
	return b
}

func (w *World) policy(tb testing.TB, pq bool) *proof.Policy {
	tb.Helper()
	p, err := proof.MajorityPolicy(w.Log, w.Body.Origin, public(w.LogKey), []proof.PolicyNode{{
		Name: w.Nodes[0].Record.Name, Ed25519: public(w.Nodes[0].Cosigner), MLDSA: w.Nodes[0].Record.MLDSAKey,
	}}, pq)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

// Clock runs from ledgertest.Start on, as fast as the test's own clock: in a
// synctest bubble that is the bubble's.
func (w *World) Clock() time.Time {
	return time.UnixMilli(int64(ledgertest.Start)).Add(time.Since(w.began))
}
