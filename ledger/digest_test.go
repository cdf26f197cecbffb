package ledger

import (
	"crypto/sha256"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/state"
	"indelible/proof"
)

// TestDigestTellsEverythingApart: two nodes compare nothing but this digest, so
// whatever they may have judged differently has to change it.
func TestDigestTellsEverythingApart(t *testing.T) {
	db, err := state.Open(state.Options{
		FS: vfs.NewMem(), Dir: "state", Logger: slog.New(slog.DiscardHandler), Broken: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	digest := func(before byte, leaf byte, changes func(*tx) error) proof.Hash {
		x := &tx{batch: db.NewBatch(), digest: sha256.New()}
		x.meta.digest[0] = before
		x.digestBegin(proof.Hash{leaf})
		if err := changes(x); err != nil {
			t.Fatal(err)
		}
		x.digestEnd()
		if err := x.discard(); err != nil {
			t.Fatal(err)
		}
		return x.meta.digest
	}
	set := func(key, row string) func(*tx) error {
		return func(x *tx) error {
			x.set([]byte(key), []byte(row))
			return x.failure
		}
	}
	seen := map[proof.Hash]string{}
	for what, got := range map[string]proof.Hash{
		"a row":                     digest(0, 0, set("sab", "cd")),
		"another history before it": digest(1, 0, set("sab", "cd")),
		"another leaf":              digest(0, 1, set("sab", "cd")),
		"another key":               digest(0, 0, set("sax", "cd")),
		"another value":             digest(0, 0, set("sab", "cx")),
		"a longer key":              digest(0, 0, set("sabc", "d")),
		"no row":                    digest(0, 0, func(*tx) error { return nil }),
		"the end of a row": digest(0, 0, func(x *tx) error {
			x.unset([]byte("sab"))
			return x.failure
		}),
	} {
		if other, ok := seen[got]; ok || got == (proof.Hash{}) {
			t.Errorf("%s has the digest of %s", what, other)
		}
		seen[got] = what
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
