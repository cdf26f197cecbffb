package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// TestCommandBytes reads a command of each type as it was first released, and
// writes it again. testdata/commands.txt has a line for each: type, body. It is
// never made anew.
func TestCommandBytes(t *testing.T) {
	file, err := os.ReadFile("testdata/commands.txt")
	if err != nil {
		t.Fatal(err)
	}
	types := 0
	for line := range strings.Lines(string(file)) {
		var c Command
		if _, err := fmt.Sscanf(line, "%d %x", &c.Type, &c.Body); err != nil && len(c.Body) > 0 {
			t.Fatal(err)
		}
		p, err := Decode(c)
		if err != nil {
			t.Errorf("type %d: %v", c.Type, err)
		} else if again := Encode(p); again.Type != c.Type || !bytes.Equal(again.Body, c.Body) {
			t.Errorf("type %d is written as %d, %x", c.Type, again.Type, again.Body)
		}
		types++
	}
	if types != len(proposals)-1 {
		t.Errorf("%d types of %d", types, len(proposals)-1)
	}
}

// TestRowBytes pins the rows: a store of an earlier program is read.
func TestRowBytes(t *testing.T) {
	node := &SealedNode{0: 7}
	for _, row := range []struct {
		row  any
		want string
	}{
		{&Counters{1, 2, 3, 4, 5, 6}, "000000000000000100000000000000020000000000000003000000000000000400000000000000050000000000000006"},
		{&Top{Version: 1, Epoch: 2, Height: 3, Blocks: 4, Root: 5, Wrapped: []byte{6}}, "00000000000000010000000000000002000000000000000400000000000000050300000001" + "06"},
		{&NodeRow{9, node}, "0000000000000009" + hex.EncodeToString(node[:])},
		{&Members{[]Member{{entry.AuthorID{1}, []byte{2}}}}, "00000001" + "01" + strings.Repeat("00", 31) + "0000000102"},
		{
			&Slot{Handle: entry.Handle{1}, Class: 2, Gone: 3, Clinical: 4, Audit: 5, Guard: 6, Link: []byte{7}},
			"01" + strings.Repeat("00", 15) + "0203" + "000000000000000400000000000000050000000000000006" + "0000000107",
		},
		{&Subject{Class: 1, Gone: 2, Identity: 3, Series: 4, Slots: []byte{5}, Record: []byte{6}}, "0102" + "00000000000000030000000000000004" + "0000000105" + "0000000106"},
		{&Allocation{Subject: 1, Slot: 2}, "00000000000000010000000000000002"},
		{&[]vacancy{{1, entry.RequestID{2}}}, "00000001" + "0000000000000001" + "02" + strings.Repeat("00", 15)},
		{&Record{1, Content{[]byte{2}, []Seal{{3, []byte{4}}}}}, "0000000000000001" + "0000000102" + "00000001" + "03" + "0000000104"},
		{&Recent{rowRecent, 1, AuditOf(2), entry.StatementID{3}}, "77" + "0000000000000001" + "00" + "0000000000000002" + "01" + "03" + strings.Repeat("00", 31)},
		{&Erasure{1, 2, 3, []uint64{4}, []uint64{5}}, "0102" + "0000000000000003" + "000000010000000000000004" + "000000010000000000000005"},
		{&hold{true, 1, 2, []uint64{3}}, "0101" + "0000000000000002" + "000000010000000000000003"},
	} {
		if got := hex.EncodeToString(layout.Encode(row.row)); got != row.want {
			t.Errorf("%T is written as %s", row.row, got)
		}
	}
}
