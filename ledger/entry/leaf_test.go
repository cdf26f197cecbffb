package entry

import (
	"bytes"
	"testing"
)

func TestLeafLimits(t *testing.T) {
	statement := func(size int) []byte {
		b := make([]byte, size)
		b[0], b[1] = tagSign1, arraySign1
		return b
	}
	largest, err := Leaf(1<<64-1, statement(MaxStatement))
	if err != nil {
		t.Fatal(err)
	}
	if len(largest) > MaxLeaf {
		t.Fatalf("the largest leaf has %d bytes", len(largest))
	}
	if _, got, err := ParseLeaf(largest); err != nil || len(got) != MaxStatement {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	_, err = Leaf(0, statement(MaxStatement+1))
	requireCode(t, err, CodeTooLarge)
	_, _, err = ParseLeaf(plant(list{uint64(1), uint64(0), statement(MaxStatement + 1)}))
	requireCode(t, err, CodeTooLarge)
	_, _, err = ParseLeaf(plant(list{uint64(1), uint64(0), statement(MaxLeaf)}))
	requireCode(t, err, CodeLeafTooLarge)
	for _, head := range [][]byte{nil, {tagSign1}, {0, arraySign1}, {tagSign1, 0}} {
		bad := append(bytes.Clone(head), 0)
		_, err = Leaf(0, bad)
		requireCode(t, err, CodeMalformed)
		_, _, err = ParseLeaf(plant(list{uint64(1), uint64(0), bad}))
		requireCode(t, err, CodeMalformed)
	}
}

// TestGenesisFoundsItsLog: the identity of a log is the leaf hash of its genesis
// at the genesis' own time, computed from the bytes alone.
func TestGenesisFoundsItsLog(t *testing.T) {
	c := acceptCases(t, KindGenesis)[0]
	s := mustSign(t, c.draft, c.key)
	leaf := plant(list{uint64(1), s.IssuedAt, s.Bytes()})
	if got := Hash(s.LogID()); got != hashOf(append([]byte{0}, leaf...)) {
		t.Errorf("log %s", got)
	}
	if s.Log != (LogID{}) {
		t.Error("a genesis is addressed to a log")
	}
	reading := mustSign(t, acceptCases(t, KindReading)[0].draft, vectorEd25519("device"))
	if reading.LogID() != reading.Log || reading.Log != vectorHash("log") {
		t.Error("a reading is addressed to another log than its aud")
	}
}
