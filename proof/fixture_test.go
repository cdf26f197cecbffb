package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"filippo.io/mldsa"
)

func edKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func edPublic(seed byte) ed25519.PublicKey { return edKey(seed).Public().(ed25519.PublicKey) }

func pqKey(t testing.TB, seed byte) *mldsa.PrivateKey {
	t.Helper()
	k, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), bytes.Repeat([]byte{seed}, mldsa.PrivateKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// record is a Statement whose leaf is ledger time, log and text, as in a real
// one: what it is and for whom stands inside what is hashed.
type record struct {
	log  [32]byte
	text string
}

var errNoLeaf = errors.New("this statement has no leaf")

func (r record) LogID() [32]byte { return r.log }

func (r record) Leaf(ledgerTime uint64) ([]byte, error) {
	if r.text == "" {
		return nil, errNoLeaf
	}
	return append(append(binary.BigEndian.AppendUint64(nil, ledgerTime), r.log[:]...), r.text...), nil
}

const (
	testOrigin = "log.example/indelible"
	testTime   = uint64(1_800_000_000_000) // Unix ms of leaf 0; each further leaf is 7 ms later
)

// testLog is a small log with three nodes, built by the naive implementation.
type testLog struct {
	t       testing.TB
	id      [32]byte
	records []record
	leaves  [][]byte
	log     *LogSigner
	nodes   []*Cosigner // Ed25519, of node1 … node3
	pqNodes []*Cosigner // ML-DSA-44, of the same nodes
	members []PolicyNode
}

// newTestLog makes a log of its own identity, which genesis decides; origin and
// seed decide its name and keys.
func newTestLog(t testing.TB, genesis, origin string, size int, seed byte) *testLog {
	t.Helper()
	l := &testLog{t: t, id: sha256.Sum256([]byte(genesis))}
	for i := range size {
		r := record{log: l.id, text: fmt.Sprintf("statement %d", i)}
		leaf, err := r.Leaf(testTime + 7*uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		l.records, l.leaves = append(l.records, r), append(l.leaves, leaf)
	}
	var err error
	if l.log, err = NewLogSigner(origin, edKey(seed)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		name, n := fmt.Sprintf("node%d", i+1), seed+1+byte(i)
		ed, err := NewCosigner(name, edKey(n))
		if err != nil {
			t.Fatal(err)
		}
		pq, err := NewMLDSACosigner(name, pqKey(t, n))
		if err != nil {
			t.Fatal(err)
		}
		l.nodes, l.pqNodes = append(l.nodes, ed), append(l.pqNodes, pq)
		l.members = append(l.members, PolicyNode{Name: name, Ed25519: edPublic(n), MLDSA: pqKey(t, n).PublicKey().Bytes()})
	}
	return l
}

func (l *testLog) checkpoint(size int) Checkpoint {
	return Checkpoint{Origin: l.log.Name(), Size: uint64(size), Root: naiveRoot(l.leaves[:size])}
}

// note is the checkpoint of a size, signed by the log and by some cosigners.
func (l *testLog) note(size int, by ...*Cosigner) []byte {
	l.t.Helper()
	c := l.checkpoint(size)
	line, err := l.log.Sign(c)
	if err != nil {
		l.t.Fatal(err)
	}
	lines := []string{line}
	for i, n := range by {
		line, err := n.Cosign(c, testTime/1000+uint64(i))
		if err != nil {
			l.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return SignNote(c, lines...)
}

func (l *testLog) receipt(index, size int, by ...*Cosigner) *Receipt {
	l.t.Helper()
	return &Receipt{
		Index:      uint64(index),
		LedgerTime: testTime + 7*uint64(index),
		Path:       naivePath(index, l.leaves[:size]),
		Checkpoint: l.note(size, by...),
	}
}

// policy is the shipped one: the majority of the nodes' Ed25519 keys.
func (l *testLog) policy() *Policy { return l.majority(false) }

// strict demands the cosignature of every node.
func (l *testLog) strict() *Policy {
	spec := l.majority(false).Spec()
	spec.Groups[0].Threshold = len(spec.Witnesses)
	return l.policyOf(NewPolicy(spec))
}

func (l *testLog) majority(pq bool) *Policy {
	return l.policyOf(MajorityPolicy(l.id, l.log.Name(), l.logKey(), l.members, pq))
}

func (l *testLog) logKey() ed25519.PublicKey {
	k, err := ParseVKey(l.log.VKey())
	if err != nil {
		l.t.Fatal(err)
	}
	return k.Public()
}

func (l *testLog) policyOf(p *Policy, err error) *Policy {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// wantError fails unless err wraps the reason, and only for the right reason.
func wantError(t testing.TB, what string, err, reason error) {
	t.Helper()
	if !errors.Is(err, reason) {
		t.Errorf("%s: got error %v, want one that wraps %q", what, err, reason)
	}
}
