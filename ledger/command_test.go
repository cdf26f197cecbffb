package ledger_test

import (
	"bytes"
	"errors"
	"testing"

	"indelible/ledger"
	"indelible/ledger/entry"
)

func TestAppendBody(t *testing.T) {
	items := []ledger.Item{{Statement: []byte("one"), SealedAt: 7}, {Statement: nil}, {Statement: bytes.Repeat([]byte{1}, entry.MaxStatement)}}
	body, err := ledger.EncodeAppend(items)
	must(t, err)
	size := 0
	for _, item := range items {
		size += item.Size()
	}
	if len(body) != size {
		t.Errorf("%d bytes, items say %d", len(body), size)
	}
	again, err := ledger.DecodeAppend(body)
	must(t, err)
	for i, item := range items {
		if again[i].SealedAt != item.SealedAt || !bytes.Equal(again[i].Statement, item.Statement) {
			t.Errorf("item %d came back as %+v", i, again[i])
		}
	}
	if none, err := ledger.DecodeAppend(nil); err != nil || len(none) != 0 {
		t.Errorf("a tick: %v, %v", none, err)
	}
}

func TestAppendBodyHasLimits(t *testing.T) {
	big := ledger.Item{Statement: make([]byte, entry.MaxStatement+1)}
	if _, err := ledger.EncodeAppend([]ledger.Item{big}); !errors.Is(err, &entry.Refusal{Code: entry.CodeTooLarge}) {
		t.Errorf("a statement above the limit: %v", err)
	}
	full := ledger.Item{Statement: make([]byte, entry.MaxStatement)}
	n := ledger.MaxAppendBody / full.Size()
	many := make([]ledger.Item, n+1)
	for i := range many {
		many[i] = full
	}
	if _, err := ledger.EncodeAppend(many[:n]); err != nil {
		t.Errorf("a full body: %v", err)
	}
	if _, err := ledger.EncodeAppend(many); err == nil {
		t.Error("a body above the limit was encoded")
	}
	if _, err := ledger.EncodeAppend(make([]ledger.Item, 1<<20)); err == nil {
		t.Error("a million empty items were encoded")
	}
	if _, err := ledger.DecodeAppend(make([]byte, ledger.MaxAppendBody+1)); err == nil {
		t.Error("a body above the limit was read")
	}
}

// FuzzAppendBody: whatever is read encodes to the same bytes.
func FuzzAppendBody(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0xd2})
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 3))
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := ledger.DecodeAppend(body)
		if err != nil {
			return
		}
		again, err := ledger.EncodeAppend(items)
		if err != nil || !bytes.Equal(again, body) {
			t.Errorf("%x came back as %x, %v", body, again, err)
		}
	})
}
