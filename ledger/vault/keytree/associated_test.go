package keytree

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// TestAssociatedDataIsTheFormat: FORMATS §6, by another encoder.
func TestAssociatedDataIsTheFormat(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	id, commitment := entry.StatementID{1, 31: 2}, entry.Hash{3, 31: 4}
	for _, slot := range []uint64{0, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		want, err := mode.Marshal([]any{1, "eu", slot, uint8(entry.ClassClinical), id[:], commitment[:]})
		if err != nil {
			t.Fatal(err)
		}
		if got := RecordData("eu", slot, entry.ClassClinical, id, commitment); !bytes.Equal(got, want) {
			t.Fatalf("slot %d: %x, want %x", slot, got, want)
		}
	}
	seen := make(map[string]bool) // no two uses share associated data
	for _, data := range [][]byte{
		RecordData("eu", 1, 1, id, commitment), RowData("eu", 1, 1), nodeData("eu", store.Place{Level: 1, Position: 1}, 1), topData("eu", 1, 1), RowData("eu", 2, 1),
	} {
		if seen[string(data)] {
			t.Fatal("two uses have the same associated data")
		}
		seen[string(data)] = true
	}
}
