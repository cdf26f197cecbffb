package state

import (
	"errors"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestPositionRowRoundTrips(t *testing.T) {
	for _, a := range []Applied{
		{Index: 1, Term: 2, ConfigIndex: 3, Config: []byte("members")},
		{Index: 1<<64 - 1, Term: 1<<64 - 1, ConfigIndex: 1<<64 - 1, Config: []byte{0}},
		{},
	} {
		got, err := decodeApplied(a.encode())
		if err != nil || got.Index != a.Index || got.Term != a.Term || got.ConfigIndex != a.ConfigIndex || string(got.Config) != string(a.Config) {
			t.Errorf("%+v read back as %+v, %v", a, got, err)
		}
	}
	for _, row := range [][]byte{nil, {}, {1}, make([]byte, appliedHeader-1), append([]byte{appliedVersion + 1}, make([]byte, appliedHeader)...), make([]byte, appliedHeader)} {
		if a, err := decodeApplied(row); !errors.Is(err, errAppliedRow) {
			t.Errorf("row of %d bytes read as %+v, %v", len(row), a, err)
		}
	}
}

// A row of a newer program is refused at start, not read as nothing.
func TestOpenRefusesAnUnknownRow(t *testing.T) {
	mem := vfs.NewMem()
	db := mustOpen(t, testOptions(t, mem))
	if err := db.Set(appliedKey, []byte{appliedVersion + 1}, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	if db, err := Open(testOptions(t, mem)); !errors.Is(err, errAppliedRow) {
		t.Errorf("opened as %+v, %v", db, err)
	}
}

func TestPositionNeverGoesBack(t *testing.T) {
	db := mustOpen(t, testOptions(t, vfs.NewMem()))
	at := Applied{Index: 7, Term: 2, ConfigIndex: 5, Config: []byte("three members")}
	if err := db.FastForward(at); err != nil {
		t.Fatal(err)
	}
	b := db.NewBatch()
	if err := db.Commit(b, Applied{Index: 6, Term: 2}); err == nil {
		t.Error("a commit moved the position from 7 to 6")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.FastForward(Applied{Index: 6, Term: 2}); err != nil {
		t.Errorf("fast-forward to the past is not nothing: %v", err)
	}
	if got := db.Applied(); !reflect.DeepEqual(got, at) {
		t.Errorf("position %+v, want %+v", got, at)
	}
	if err := db.FastForward(Applied{Index: 9, Term: 3}); err != nil {
		t.Fatal(err)
	}
	want := Applied{Index: 9, Term: 3, ConfigIndex: 5, Config: []byte("three members")}
	if got := db.Applied(); !reflect.DeepEqual(got, want) {
		t.Errorf("position %+v, want %+v: the configuration is kept until it changes", got, want)
	}
	mustClose(t, db)
}

func TestReadOnlyReadsAndRefusesToWrite(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(t, mem)
	db := mustOpen(t, o)
	s := step{to: Applied{Index: 3, Term: 1}, writes: []write{{[]byte("row"), []byte("value")}}}
	if err := commit(db, s); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	o.ReadOnly = true
	db = mustOpen(t, o)
	value, closer, err := db.Get([]byte("row"))
	if err != nil || string(value) != "value" || db.Applied().Index != 3 {
		t.Errorf("read %q at %d, %v", value, db.Applied().Index, err)
	} else if err := closer.Close(); err != nil {
		t.Error(err)
	}
	if err := commit(db, step{to: Applied{Index: 4, Term: 1}, writes: s.writes}); !errors.Is(err, pebble.ErrReadOnly) {
		t.Errorf("write to a read-only database: %v", err)
	}
	if db.Applied().Index != 3 {
		t.Errorf("a refused write moved the position to %d", db.Applied().Index)
	}
	mustClose(t, db)
	o.Dir = "elsewhere"
	if _, err := Open(o); err == nil {
		t.Error("a read-only open created a database")
	}
	if _, err := mem.Stat("elsewhere"); err == nil {
		t.Error("a read-only open created a directory")
	}
}
