package layout

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
)

type inner struct {
	Level  uint8
	Number uint64
}

type all struct {
	Inner  inner
	Yes    bool
	Fixed  [3]byte
	Far    *[2]byte
	Bytes  []byte
	Empty  []byte
	List   []uint64
	Texts  []string
	Nested []inner
}

// TestSpelling pins each kind of field, there and back.
func TestSpelling(t *testing.T) {
	far := [2]byte{8, 9}
	v := all{
		Inner: inner{1, 2}, Yes: true, Fixed: [3]byte{3, 4, 5}, Far: &far, Bytes: []byte{6, 7}, List: []uint64{10, 11}, Texts: []string{"a", ""},
		Nested: []inner{{12, 13}},
	}
	want := "01" + "0000000000000002" + "01" + "030405" + "0809" + "000000020607" + "00000000" +
		"00000002000000000000000a000000000000000b" + "00000002" + "0000000161" + "00000000" + "00000001" + "0c" + "000000000000000d"
	got := Append([]byte{0xff}, &v)
	if hex.EncodeToString(got) != "ff"+want {
		t.Fatalf("written as %x", got)
	}
	var back all
	if err := Decode(got[1:], &back); err != nil || !reflect.DeepEqual(back, v) {
		t.Fatalf("read as %+v: %v", back, err)
	}
}

// TestStrict: every truncation and addition is malformed, and a forged count
// makes nothing.
func TestStrict(t *testing.T) {
	v := all{Far: new([2]byte), List: []uint64{1}, Texts: []string{"a"}, Nested: []inner{{}}}
	good := Encode(&v)
	for n := range good {
		var back all
		if err := Decode(good[:n], &back); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes of %d: %v", n, len(good), err)
		}
	}
	var back all
	if err := Decode(append(bytes.Clone(good), 0), &back); !errors.Is(err, ErrMalformed) {
		t.Fatalf("a byte too many: %v", err)
	}
	var list []uint64
	if err := Decode([]byte{0xff, 0xff, 0xff, 0xff, 1}, &list); !errors.Is(err, ErrMalformed) || len(list) != 0 {
		t.Fatalf("a forged count gave %d items: %v", len(list), err)
	}
}

// FuzzDecode: what is read is written again as it was.
func FuzzDecode(f *testing.F) {
	type lists struct {
		Far    *[2]byte
		Bytes  []byte
		List   []uint64
		Texts  []string
		Nested []inner
	}
	f.Add(Encode(&lists{Far: new([2]byte), Bytes: []byte{1}, List: []uint64{1}, Texts: []string{"a"}, Nested: []inner{{}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v lists
		if Decode(b, &v) == nil && !bytes.Equal(Encode(&v), b) {
			t.Fatalf("%x is written as %x", b, Encode(&v))
		}
	})
}
