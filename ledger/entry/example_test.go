package entry_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"indelible/ledger/entry"
)

// chance stands for crypto/rand.Reader, so that the examples print the same each time.
func chance() *strings.Reader { return strings.NewReader(strings.Repeat("not for use", 1000)) }

func deviceKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// reading is a device's statement over what it measured: the log gets a
// commitment, the vault its opening.
func reading() (*entry.Statement, []byte) {
	opening, err := entry.NewOpening(chance(), "text/csv", []byte("0.012,0.015,0.340"))
	check(err)
	opened, err := opening.Encode()
	check(err)
	parts, err := entry.NewParts(map[entry.Class]entry.Hash{entry.ClassClinical: entry.Commit(opened)})
	check(err)
	digest := parts.Digest()
	s, err := entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(entry.BindingID{1}), Log: entry.LogID{2},
		IssuedAt: 1_800_000_000_000, Jurisdiction: "eu", Boot: 1, Seq: 1, Parts: &digest,
	}.Sign(chance(), deviceKey())
	check(err)
	return s, opened
}

// The author signs once and keeps the bytes: whatever happens, these and no others
// are sent.
func ExampleDraft_Sign() {
	s, _ := reading()
	fmt.Println(s.Kind, "of boot", s.Boot, "number", s.Seq)
	fmt.Println(len(s.Bytes()) < entry.MaxStatement)
	// Output:
	// reading of boot 1 number 1
	// true
}

// Everybody else parses the bytes and verifies them under the author's key.
func ExampleParse() {
	signed, _ := reading()
	s, err := entry.Parse(signed.Bytes())
	check(err)
	key, err := entry.NewPublicKey(deviceKey().Public())
	check(err)
	fmt.Println(s.Author == key.Author(), s.Verify(key))

	_, err = entry.Parse(signed.Bytes()[:100])
	fmt.Println(errors.Is(err, &entry.Refusal{Code: entry.CodeMalformed}))
	// Output:
	// true <nil>
	// true
}

// Who holds an opening can show what a statement commits to. Who holds the
// statement alone can confirm nothing.
func ExampleStatement_CheckSealed() {
	s, opened := reading()
	parts, err := entry.NewParts(map[entry.Class]entry.Hash{entry.ClassClinical: entry.Commit(opened)})
	check(err)
	fmt.Println(s.CheckSealed(parts, map[entry.Class][]byte{entry.ClassClinical: opened}, true))

	opened[10] ^= 1
	err = s.CheckSealed(parts, map[entry.Class][]byte{entry.ClassClinical: opened}, true)
	fmt.Println(errors.Is(err, &entry.Refusal{Code: entry.CodeCommitmentMismatch}))
	// Output:
	// <nil>
	// true
}
