package logcheck_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"indelible/cli/indelible/logcheck"
	"indelible/ledger/entry"
	"indelible/proof"
)

const (
	start  = 1_700_000_000_000 // ledger time of genesis, Unix ms
	length = 300               // entries: a full tile and a partial one, and a level above
)

// testLog is a log in memory, in the layout it is served in.
type testLog struct {
	objects map[string][]byte
	policy  *proof.Policy
	leaves  [][]byte
	times   []uint64

	registrar *ecdsa.PrivateKey
	logKey    ed25519.PrivateKey
	cosigner  ed25519.PrivateKey
	genesis   *entry.Statement
}

func spki(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newTestLog(t testing.TB) *testLog {
	t.Helper()
	l := &testLog{objects: map[string][]byte{}}
	l.registrar = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	_, l.logKey, _ = ed25519.GenerateKey(rand.Reader)
	_, l.cosigner, _ = ed25519.GenerateKey(rand.Reader)
	_, author, _ := ed25519.GenerateKey(rand.Reader)
	pq := must(mldsa.GenerateKey(mldsa.MLDSA44()))(t)
	l.genesis = l.sign(t, entry.Draft{Kind: entry.KindGenesis, Body: &entry.Genesis{
		Origin: "log.example", LogKey: spki(t, l.logKey.Public()),
		Nodes: []entry.Node{{
			Name: "n1", AuthorKey: spki(t, author.Public()), CosignerKey: spki(t, l.cosigner.Public()),
			MLDSAKey: pq.PublicKey().Bytes(), TLSKey: spki(t, l.registrar.Public()), Placement: []string{"eu"},
		}},
		Registrars:    [][]byte{spki(t, l.registrar.Public())},
		Jurisdictions: []entry.JurisdictionRule{{Name: "eu", Regime: entry.RegimeGDPR}},
	}}, l.registrar)
	l.policy = must(proof.MajorityPolicy(l.genesis.LogID(), "log.example", l.logKey.Public().(ed25519.PublicKey),
		[]proof.PolicyNode{{Name: "n1", Ed25519: l.cosigner.Public().(ed25519.PublicKey)}}, false))(t)
	l.add(t, l.genesis, start)
	return l
}

// sign completes and signs a draft.
func (l *testLog) sign(t testing.TB, d entry.Draft, key *ecdsa.PrivateKey) *entry.Statement {
	t.Helper()
	var id entry.RequestID
	if _, err := rand.Read(id[:]); err != nil {
		t.Fatal(err)
	}
	d.Request, d.IssuedAt = &id, start
	if l.genesis != nil {
		d.Log = l.genesis.LogID()
	}
	return must(d.Sign(rand.Reader, key))(t)
}

// enrol is a statement that enrols a fresh key.
func (l *testLog) enrol(t testing.TB, by *ecdsa.PrivateKey) *entry.Statement {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	return l.sign(t, entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: spki(t, key.Public()), Role: entry.RoleAuditor, Jurisdictions: []string{"eu"},
	}}, by)
}

func (l *testLog) add(t testing.TB, s *entry.Statement, at uint64) {
	t.Helper()
	l.leaves = append(l.leaves, must(s.Leaf(at))(t))
	l.times = append(l.times, at)
}

// publish writes checkpoint, bundles and tiles of the leaves.
func (l *testLog) publish(t testing.TB) {
	t.Helper()
	level := make([]proof.Hash, len(l.leaves))
	tree := proof.NewFrontier()
	for i, leaf := range l.leaves {
		level[i] = proof.LeafHash(leaf)
		if err := tree.Append(level[i]); err != nil {
			t.Fatal(err)
		}
	}
	for from := 0; from < len(l.leaves); from += proof.TileWidth {
		width := min(len(l.leaves)-from, proof.TileWidth)
		var bundle []byte
		for _, leaf := range l.leaves[from : from+width] {
			bundle = must(proof.AppendEntry(bundle, leaf))(t)
		}
		l.objects[proof.Tile{Level: proof.EntriesLevel, Index: uint64(from / proof.TileWidth), Width: width}.Path()] = bundle
	}
	for n := 0; len(level) > 0; n++ {
		level = l.publishLevel(t, n, level)
	}
	checkpoint := proof.Checkpoint{Origin: "log.example", Size: tree.Size(), Root: must(tree.Root())(t)}
	signer := must(proof.NewLogSigner("log.example", l.logKey))(t)
	cosigner := must(proof.NewCosigner("n1", l.cosigner))(t)
	l.objects["checkpoint"] = proof.SignNote(checkpoint, must(signer.Sign(checkpoint))(t), must(cosigner.Cosign(checkpoint, 1_700_000_001))(t))
}

// publishLevel writes the tiles of one level and returns the next.
func (l *testLog) publishLevel(t testing.TB, n int, level []proof.Hash) []proof.Hash {
	t.Helper()
	var next []proof.Hash
	for from := 0; from < len(level); from += proof.TileWidth {
		width := min(len(level)-from, proof.TileWidth)
		var raw []byte
		part := proof.NewFrontier()
		for _, h := range level[from : from+width] {
			raw = append(raw, h[:]...)
			if err := part.Append(h); err != nil {
				t.Fatal(err)
			}
		}
		l.objects[proof.Tile{Level: n, Index: uint64(from / proof.TileWidth), Width: width}.Path()] = raw
		if width == proof.TileWidth {
			next = append(next, must(part.Root())(t))
		}
	}
	return next
}

func (l *testLog) source(_ context.Context, path string) ([]byte, error) {
	raw, ok := l.objects[path]
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, logcheck.ErrNotFound)
	}
	return append([]byte(nil), raw...), nil
}

func (l *testLog) check(t testing.TB) (*logcheck.Report, error) {
	return logcheck.Check(t.Context(), logcheck.Config{Source: l.source, Policy: l.policy})
}

func fullLog(t testing.TB) *testLog {
	t.Helper()
	l := newTestLog(t)
	for i := 1; i < length; i++ {
		l.add(t, l.enrol(t, l.registrar), start+uint64(i))
	}
	l.publish(t)
	return l
}

func TestAWholeLogHolds(t *testing.T) {
	l := fullLog(t)
	report, err := l.check(t)
	if err != nil {
		t.Fatal(err)
	}
	if report.Verified.Checkpoint.Size != length || report.Kinds[entry.KindAuthor] != length-1 || report.Kinds[entry.KindGenesis] != 1 {
		t.Errorf("report %+v", report)
	}
	if report.Tiles != 3 { // two of leaves, one above
		t.Errorf("%d tiles compared, want 3", report.Tiles)
	}
	if report.Authors != length-1+2 { // enrolled, the registrar, the node
		t.Errorf("%d authors", report.Authors)
	}
	if _, err := logcheck.Check(t.Context(), logcheck.Config{Source: l.source, Policy: l.policy, TilesOnly: true}); err != nil {
		t.Errorf("by tiles alone: %v", err)
	}
}

func TestWhatIsKeptIsAWholeLogAgain(t *testing.T) {
	l := fullLog(t)
	dir := t.TempDir()
	_, err := logcheck.Check(t.Context(), logcheck.Config{Source: l.source, Policy: l.policy, Keep: func(path string, raw []byte) error {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		return os.WriteFile(file, raw, 0o600)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logcheck.Check(t.Context(), logcheck.Config{Source: logcheck.Dir(dir), Policy: l.policy}); err != nil {
		t.Fatal(err)
	}
}

// TestEveryAlterationIsFound flips one byte in every object and expects the
// check to fail at a place no later than the object's end.
func TestEveryAlterationIsFound(t *testing.T) {
	l := fullLog(t)
	for path, raw := range l.objects {
		for _, at := range []int{0, len(raw) / 2, len(raw) - 1} {
			altered := append([]byte(nil), raw...)
			altered[at] ^= 1
			l.objects[path] = altered
			if _, err := l.check(t); err == nil {
				t.Errorf("byte %d of %s was altered and the log holds", at, path)
			}
		}
		l.objects[path] = raw
	}
}

func TestTheFirstBadIndexIsNamed(t *testing.T) {
	l := fullLog(t)
	path := proof.Tile{Level: proof.EntriesLevel, Index: 1, Width: length - proof.TileWidth}.Path()
	raw := append([]byte(nil), l.objects[path]...)
	offset := 0
	for range 17 {
		offset += 2 + int(raw[offset])<<8 + int(raw[offset+1])
	}
	offset += 2 + int(raw[offset])<<8 + int(raw[offset+1])
	raw[offset-1] ^= 1 // last byte of entry 256+17: of its signature
	l.objects[path] = raw
	var fault *logcheck.Fault
	if _, err := l.check(t); !errors.As(err, &fault) || fault.Index != 256+17 {
		t.Fatalf("got %v", err)
	}
}

func TestMissingObjectsAreToldApartFromBrokenOnes(t *testing.T) {
	l := fullLog(t)
	for path, raw := range l.objects {
		delete(l.objects, path)
		if _, err := l.check(t); !errors.Is(err, logcheck.ErrNotFound) {
			t.Errorf("%s is missing: %v", path, err)
		}
		l.objects[path] = raw
	}
}

func TestEntriesThatShouldNotBeThereAreFound(t *testing.T) {
	stranger := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	other := newTestLog(t)
	for name, c := range map[string]struct {
		add  func(*testLog)
		want string
	}{
		"signed by a key nobody enrolled": {func(l *testLog) { l.add(t, l.enrol(t, stranger), start+5) }, "not enrolled"},
		"signed for another log":          {func(l *testLog) { l.add(t, other.enrol(t, other.registrar), start+5) }, "another log"},
		"earlier than the one before":     {func(l *testLog) { l.add(t, l.enrol(t, l.registrar), start-1) }, "goes back"},
		"a second genesis":                {func(l *testLog) { l.add(t, other.genesis, start+5) }, "another log"},
	} {
		l := newTestLog(t)
		l.add(t, l.enrol(t, l.registrar), start+1)
		c.add(l)
		l.publish(t)
		var fault *logcheck.Fault
		_, err := l.check(t)
		if !errors.As(err, &fault) || fault.Index != 2 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAnotherLogsGenesisIsRefused(t *testing.T) {
	l, other := newTestLog(t), newTestLog(t)
	l.leaves[0] = other.leaves[0]
	l.publish(t)
	if _, err := l.check(t); err == nil {
		t.Fatal("a log with another genesis holds")
	}
}
