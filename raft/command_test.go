package raft

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func TestCommandRoundTrip(t *testing.T) {
	raw, err := envelope{kind: 7, time: 1_700_000_000_123, body: []byte("body")}.encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(raw), "000100070000018bcfe5687b626f6479"; got != want {
		t.Fatalf("encoded %s, want %s", got, want)
	}
	e, err := decodeCommand(raw)
	if err != nil || e.kind != 7 || e.time != 1_700_000_000_123 || string(e.body) != "body" {
		t.Fatalf("decoded %+v, %v", e, err)
	}
}

func TestCommandRefused(t *testing.T) {
	valid := func(change func([]byte)) []byte {
		raw := []byte{0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 'x'}
		change(raw)
		return raw
	}
	for name, raw := range map[string][]byte{
		"empty":           nil,
		"cut short":       valid(func([]byte) {})[:commandHeader-1],
		"version 0":       valid(func(r []byte) { r[1] = 0 }),
		"version 2":       valid(func(r []byte) { r[1] = 2 }),
		"version 256":     valid(func(r []byte) { r[0], r[1] = 1, 0 }),
		"too large":       append(valid(func([]byte) {}), make([]byte, MaxCommand)...),
		"opening, a body": valid(func(r []byte) { r[3] = 0 }),
	} {
		if _, err := decodeCommand(raw); !errors.Is(err, errCommand) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (envelope{kind: 1, body: make([]byte, MaxCommand-commandHeader+1)}).encode(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("encoded a command above the limit: %v", err)
	}
	if raw, err := (envelope{kind: 1, body: make([]byte, MaxCommand-commandHeader)}).encode(); err != nil || len(raw) != MaxCommand {
		t.Errorf("the largest command: %d bytes, %v", len(raw), err)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := decodeCommand(raw)
		if err != nil {
			return
		}
		again, err := e.encode()
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x decoded and encoded is %x, %v", raw, again, err)
		}
	})
}
