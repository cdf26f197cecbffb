package ingest

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
	"indelible/proof"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// testLog is a log in memory that proves what it holds with real keys: the naive
// tree of RFC 6962 section 2.1, recomputed from all leaves each time.
type testLog struct {
	id     entry.LogID
	policy *proof.Policy
	signer *proof.LogSigner
	nodes  []*proof.Cosigner

	genesis   []byte             // leaf of index 0
	author    ed25519.PrivateKey // of a node: signs refusals
	registrar ed25519.PrivateKey

	mu     sync.Mutex
	leaves []proof.Hash
	byID   map[entry.StatementID]*logged
}

// logged is one entry of a testLog.
type logged struct {
	index     uint64
	time      uint64
	statement []byte
}

const testOrigin = "log.test/indelible"

// newTestLog makes a log with three nodes, two of which must cosign.
func newTestLog(t testing.TB) *testLog {
	t.Helper()
	l := &testLog{byID: map[entry.StatementID]*logged{}}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if l.signer, err = proof.NewLogSigner(testOrigin, private); err != nil {
		t.Fatal(err)
	}
	genesis := &entry.Genesis{Origin: testOrigin, LogKey: spki(t, public), Jurisdictions: []entry.JurisdictionRule{
		{Name: "eu", Regime: entry.RegimeGDPR}, {Name: "us", Regime: entry.RegimeHIPAA},
	}}
	var nodes []proof.PolicyNode
	for i := range 3 {
		name := fmt.Sprintf("node%d.test", i)
		cosignerPublic, cosignerPrivate := newEd25519(t)
		authorPublic, authorPrivate := newEd25519(t)
		tlsPublic, _ := newEd25519(t)
		cosigner, err := proof.NewCosigner(name, cosignerPrivate)
		if err != nil {
			t.Fatal(err)
		}
		l.nodes = append(l.nodes, cosigner)
		l.author = authorPrivate
		nodes = append(nodes, proof.PolicyNode{Name: name, Ed25519: cosignerPublic})
		genesis.Nodes = append(genesis.Nodes, entry.Node{
			Name: name, AuthorKey: spki(t, authorPublic), CosignerKey: spki(t, cosignerPublic),
			MLDSAKey: bytes.Repeat([]byte{byte(i)}, 1312), TLSKey: spki(t, tlsPublic), Placement: []string{"eu", "us"},
		})
	}
	registrarPublic, registrarPrivate := newEd25519(t)
	l.registrar = registrarPrivate
	genesis.Registrars = [][]byte{spki(t, registrarPublic)}
	request := entry.RequestID{1}
	now := uint64(time.Now().UnixMilli())
	s, err := entry.Draft{Kind: entry.KindGenesis, IssuedAt: now, Request: &request, Body: genesis}.Sign(rand.Reader, registrarPrivate)
	if err != nil {
		t.Fatal(err)
	}
	if l.genesis, err = s.Leaf(now); err != nil {
		t.Fatal(err)
	}
	l.id = entry.LogID(proof.LeafHash(l.genesis))
	l.leaves = append(l.leaves, proof.LeafHash(l.genesis))
	if l.policy, err = proof.MajorityPolicy(l.id, testOrigin, public, nodes, false); err != nil {
		t.Fatal(err)
	}
	return l
}

func newEd25519(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func spki(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	key, err := entry.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key.SPKI()
}

// fork returns a log with the same keys and a copy of the first size leaves.
func (l *testLog) fork(size uint64) *testLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	other := &testLog{
		id: l.id, policy: l.policy, signer: l.signer, nodes: l.nodes,
		genesis: l.genesis, author: l.author, registrar: l.registrar, byID: map[entry.StatementID]*logged{},
	}
	other.leaves = append(other.leaves, l.leaves[:size]...)
	for id, e := range l.byID {
		if e.index < size {
			other.byID[id] = e
		}
	}
	return other
}

func (l *testLog) has(id entry.StatementID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id] != nil
}

func (l *testLog) size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.leaves))
}

// append gives a statement an index, once.
func (l *testLog) append(t testing.TB, s *entry.Statement, at uint64) (e *logged, duplicate bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.byID[s.ID()]; e != nil {
		return e, true
	}
	leaf, err := s.Leaf(at)
	if err != nil {
		t.Error(err)
	}
	e = &logged{index: uint64(len(l.leaves)), time: at, statement: s.Bytes()}
	l.leaves = append(l.leaves, proof.LeafHash(leaf))
	l.byID[s.ID()] = e
	return e, false
}

func naiveRoot(leaves []proof.Hash) proof.Hash {
	switch len(leaves) {
	case 0:
		return proof.EmptyRoot()
	case 1:
		return leaves[0]
	}
	k := split(len(leaves))
	return proof.NodeHash(naiveRoot(leaves[:k]), naiveRoot(leaves[k:]))
}

// split is the largest power of two smaller than n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func naivePath(leaves []proof.Hash, index int) []proof.Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if index < k {
		return append(naivePath(leaves[:k], index), naiveRoot(leaves[k:]))
	}
	return append(naivePath(leaves[k:], index-k), naiveRoot(leaves[:k]))
}

func naiveConsistency(leaves []proof.Hash, old int, whole bool) []proof.Hash {
	if old == len(leaves) {
		if whole {
			return nil
		}
		return []proof.Hash{naiveRoot(leaves)}
	}
	k := split(len(leaves))
	if old <= k {
		return append(naiveConsistency(leaves[:k], old, whole), naiveRoot(leaves[k:]))
	}
	return append(naiveConsistency(leaves[k:], old-k, false), naiveRoot(leaves[:k]))
}

// checkpoint signs the first size leaves with the log's key and two nodes'.
func (l *testLog) checkpoint(t testing.TB, size uint64) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := proof.Checkpoint{Origin: testOrigin, Size: size, Root: naiveRoot(l.leaves[:size])}
	line, err := l.signer.Sign(c)
	lines := []string{line}
	for _, node := range l.nodes[:2] {
		line, cosignErr := node.Cosign(c, 1_700_000_000)
		lines = append(lines, line)
		err = errors.Join(err, cosignErr)
	}
	if err != nil {
		t.Error(err)
	}
	return proof.SignNote(c, lines...)
}

// receipt proves an entry at a size.
func (l *testLog) receipt(t testing.TB, e *logged, size uint64) []byte {
	note := l.checkpoint(t, size)
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &proof.Receipt{Index: e.index, LedgerTime: e.time, Path: naivePath(l.leaves[:size], int(e.index)), Checkpoint: note}
	return r.Marshal()
}

// consistency proves that one size grew from another.
func (l *testLog) consistency(old, size uint64) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size > uint64(len(l.leaves)) || old > size || old == 0 {
		return nil
	}
	var path [][]byte
	for _, h := range naiveConsistency(l.leaves[:size], int(old), true) {
		path = append(path, h[:])
	}
	return path
}

// proven appends a signed reading and returns it with a receipt that verifies.
func (l *testLog) proven(t testing.TB, s *client.Signed) *client.Proven {
	t.Helper()
	e, _ := l.append(t, s.Statement, s.Statement.IssuedAt)
	receipt, err := proof.ParseReceipt(l.receipt(t, e, l.size()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Verify(l.policy, s.Statement, receipt); err != nil {
		t.Fatal(err)
	}
	return &client.Proven{Statement: s.Statement, Receipt: receipt}
}
