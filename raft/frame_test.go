package raft

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestFrameRoundTrip(t *testing.T) {
	f := Frame{Purpose: PurposeSeed, Group: JurisdictionGroup("eu"), Source: "n1", Target: "n2"}
	raw, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(raw), "0012"+"0001"+"02"+"08"+hex.EncodeToString([]byte("vault/eu"))+"02"+"6e31"+"02"+"6e32"; got != want {
		t.Fatalf("marshalled %s, want %s", got, want)
	}
	follows := bytes.NewReader(append(raw, "what follows"...))
	got, err := ReadFrame(follows)
	if err != nil || got != f {
		t.Fatalf("read %+v, %v", got, err)
	}
	if rest, err := io.ReadAll(follows); err != nil || string(rest) != "what follows" {
		t.Fatalf("read past the frame, %q is left, %v", rest, err)
	}
}

func TestFrameLongestNames(t *testing.T) {
	long := strings.Repeat("n", maxNameBytes)
	raw, err := Frame{Purpose: PurposeCosign, Group: long, Source: long, Target: long}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFrame(bytes.NewReader(raw)); err != nil || got.Target != long {
		t.Fatalf("read %v", err)
	}
	if _, err := (Frame{Purpose: PurposeRaft, Group: long + "n", Source: "a", Target: "b"}).Marshal(); !errors.Is(err, errFrame) {
		t.Fatalf("marshalled a name of %d bytes: %v", len(long)+1, err)
	}
}

func TestFrameRefused(t *testing.T) {
	whole, err := Frame{Purpose: PurposeRaft, Group: GlobalGroup, Source: "n1", Target: "n2"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	body := whole[2:]
	with := func(at int, b byte) []byte {
		c := bytes.Clone(body)
		c[at] = b
		return c
	}
	for name, raw := range map[string][]byte{
		"empty":           nil,
		"version 2":       with(1, 2),
		"purpose 0":       with(2, 0),
		"purpose 6":       with(2, 6),
		"empty group":     with(3, 0),
		"group too long":  with(3, 200),
		"cut short":       body[:len(body)-1],
		"a byte too many": append(bytes.Clone(body), 0),
		"names missing":   body[:3],
	} {
		if f, err := ParseFrame(raw); !errors.Is(err, errFrame) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for _, n := range []uint16{0, 2, maxFrameBytes + 1, 65535} {
		head := []byte{byte(n >> 8), byte(n)}
		if _, err := ReadFrame(bytes.NewReader(append(head, make([]byte, n)...))); !errors.Is(err, errFrame) {
			t.Errorf("%d bytes announced: %v", n, err)
		}
	}
	if _, err := ReadFrame(bytes.NewReader(whole[:5])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	if _, err := (Frame{Purpose: 9, Group: "g", Source: "s", Target: "t"}).Marshal(); !errors.Is(err, errFrame) {
		t.Errorf("marshalled purpose 9: %v", err)
	}
	if _, err := (Frame{Purpose: PurposeRaft, Group: "g", Source: "", Target: "t"}).Marshal(); !errors.Is(err, errFrame) {
		t.Errorf("marshalled without source: %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	for _, frame := range []Frame{
		{PurposeRaft, GlobalGroup, "n1", "n2"}, {PurposeKeyring, JurisdictionGroup("eu"), "a.example/n1", "b"},
	} {
		raw, err := frame.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw[2:])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := ParseFrame(raw)
		if err != nil {
			return
		}
		again, err := frame.Marshal()
		if err != nil || !bytes.Equal(again[2:], raw) {
			t.Fatalf("%x parsed and marshalled is %x, %v", raw, again, err)
		}
	})
}
