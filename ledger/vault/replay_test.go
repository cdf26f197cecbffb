package vault

import (
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/state"
)

// replayed folds the vault's log on fs into a fresh store, so many commands at
// a time, and returns all of its rows.
func replayed(t *testing.T, like *site, fs *disk, split int) []byte {
	t.Helper()
	store, err := OpenStore(StoreConfig{
		State: like.world.Options(fs, "vault"), Jurisdiction: euGroup, Genesis: like.world.Body, Policy: like.policy,
	})
	like.must(err)
	var batch []state.Command
	for _, c := range loggedCommands(t, fs) {
		if batch = append(batch, c); len(batch) == split {
			_, err := store.Apply(batch)
			like.must(err)
			batch = nil
		}
	}
	_, err = store.Apply(batch)
	like.must(err)
	var w writer
	like.must(store.view().span([]byte{0}, []byte{255}, func(k, value []byte) (bool, error) {
		w.bytes(k)
		w.bytes(value)
		return true, nil
	}))
	like.must(store.Close())
	return w.b
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
