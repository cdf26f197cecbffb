package client

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"indelible/ledger/entry"
)

// A statement is kept only with all that opens it: without, it would be there to be
// sent, and refused.
func TestAStatementIsNotKeptWithoutItsOpenings(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	author, err := NewAuthor(key, entry.LogID{1}, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := author.Sign(entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(entry.Handle{1}), Jurisdiction: "eu",
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: entry.HandleSubject, At: 1},
	}, map[entry.Class]Content{entry.ClassIdentity: {MediaType: "text/plain", Bytes: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(t.TempDir(), "statement")
	if err := os.Mkdir(base+".identity"+OpeningSuffix, 0o700); err != nil { // where nothing can be written
		t.Fatal(err)
	}
	if err := WriteSigned(base, signed); err == nil {
		t.Error("an opening that is not written is no fault")
	}
	if _, err := os.Stat(base + StatementSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the statement is there without what opens it: %v", err)
	}
}
