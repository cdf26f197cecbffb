package vault

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/state"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// replayed folds the vault's log on fs into a fresh store, so many commands at
// a time, and returns all of its rows.
func replayed(t *testing.T, like *site, fs *vaulttest.Disk, split int) []byte {
	t.Helper()
	s, err := store.Open(store.Config{
		State: like.world.Options(fs, "vault"), Jurisdiction: euGroup, Genesis: like.world.Body, Policy: like.policy,
	})
	like.must(err)
	var batch []state.Command
	for _, c := range loggedCommands(t, fs) {
		if batch = append(batch, c); len(batch) == split {
			_, err := s.Apply(batch)
			like.must(err)
			batch = nil
		}
	}
	_, err = s.Apply(batch)
	like.must(err)
	it, err := s.State().NewIter(&pebble.IterOptions{LowerBound: []byte{0}, UpperBound: []byte{255}})
	like.must(err)
	var all []byte
	for ok := it.First(); ok; ok = it.Next() {
		all = fmt.Appendf(all, "%d %x %d %x\n", len(it.Key()), it.Key(), len(it.Value()), it.Value())
	}
	like.must(errors.Join(it.Error(), it.Close(), s.Close()))
	return all
}

// loggedCommands reads the vault's commands from the log file.
func loggedCommands(t *testing.T, fs vfs.FS) []state.Command {
	t.Helper()
	f, err := fs.Open("raft.log")
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var list []state.Command
	for {
		group, c, rest, ok := parseFrame(all)
		if !ok {
			return list
		}
		if group == toVault {
			list = append(list, c)
		}
		all = rest
	}
}
