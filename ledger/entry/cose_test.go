package entry

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"indelible/test/example"
)

// sign1Vector is one COSE_Sign1 of a foreign vector file.
type sign1Vector struct {
	name    string
	message []byte
	tbs     []byte // nil: to be built from the message
	key     crypto.PublicKey
	valid   bool
}

type jwk struct {
	Kty, Crv, X, Y string
	XHex           string `json:"x_hex"`
	YHex           string `json:"y_hex"`
}

// public returns the key if it is of a kind of ours.
func (k jwk) public(t testing.TB) crypto.PublicKey {
	coordinate := func(b64, h string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(b64)
		if h != "" {
			b, err = hex.DecodeString(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	switch k.Crv {
	case "P-256":
		point := append([]byte{4}, new(big.Int).SetBytes(coordinate(k.X, k.XHex)).FillBytes(make([]byte, 32))...)
		point = append(point, new(big.Int).SetBytes(coordinate(k.Y, k.YHex)).FillBytes(make([]byte, 32))...)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		return key
	case "Ed25519":
		return ed25519.PublicKey(coordinate(k.X, k.XHex))
	}
	return nil
}

// walkVectors reads the JSON files of a folder of the larger collection, where
// that is there.
func walkVectors(t testing.TB, folder string, each func(name string, file []byte)) {
	t.Helper()
	root, found := example.Shared(t, "cose", folder)
	if !found {
		return
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil {
			each(filepath.Base(path), b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ownVectors are the module's own, which a second implementation signed.
func ownVectors(t testing.TB) (vectors []sign1Vector) {
	t.Helper()
	var list []struct {
		jwk
		Name    string
		Message string `json:"cborHex"`
		TBS     string `json:"toBeSignedHex"`
		Valid   bool
	}
	if err := json.Unmarshal(ownFile(t), &list); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		vectors = append(vectors, sign1Vector{name: v.Name, message: unhex(t, v.Message), tbs: unhex(t, v.TBS), key: v.jwk.public(t), valid: v.Valid})
	}
	return vectors
}

func ownFile(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(example.Own(t, "cose", "sign1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func coseWGVectors(t testing.TB) (vectors []sign1Vector) {
	walkVectors(t, "cose-wg-examples", func(name string, file []byte) {
		var v struct {
			Fail  bool
			Input struct {
				Sign0 *struct{ Key jwk }
			}
			Intermediates struct {
				TBS string `json:"ToBeSign_hex"`
			}
			Output struct{ CBOR string }
		}
		if err := json.Unmarshal(file, &v); err != nil {
			t.Logf("%s: %v", name, err)
			return
		}
		if v.Input.Sign0 == nil {
			return
		}
		s := sign1Vector{name: name, message: unhex(t, strings.ToLower(v.Output.CBOR)), key: v.Input.Sign0.Key.public(t), valid: !v.Fail}
		if s.valid {
			s.tbs = unhex(t, strings.ToLower(v.Intermediates.TBS))
		}
		if s.key != nil {
			vectors = append(vectors, s)
		}
	})
	return vectors
}

func goCOSEVectors(t testing.TB) (vectors []sign1Vector) {
	type cborHex struct {
		Hex string `json:"cborHex"`
	}
	walkVectors(t, "go-cose-sign1", func(name string, file []byte) {
		var v struct {
			Key    jwk
			Verify *struct {
				Message      cborHex `json:"taggedCOSESign1"`
				External     string
				ShouldVerify bool
			} `json:"sign1::verify"`
		}
		if err := json.Unmarshal(file, &v); err != nil {
			t.Fatal(err)
		}
		s := sign1Vector{name: name, key: v.Key.public(t)}
		if s.key == nil || v.Verify == nil { // signing vectors fix only the message: ECDSA is randomised
			return
		}
		s.message, s.valid = unhex(t, v.Verify.Message.Hex), v.Verify.ShouldVerify
		if s.valid {
			m := s.untagged(t)
			s.tbs = second(t, []any{"Signature1", m.Protected, unhex(t, v.Verify.External), m.Payload})
		}
		vectors = append(vectors, s)
	})
	return vectors
}

type untaggedSign1 struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected cbor.RawMessage
	Payload     []byte
	Signature   []byte
}

func (s sign1Vector) untagged(t testing.TB) (m untaggedSign1) {
	t.Helper()
	if err := cbor.Unmarshal(bytes.TrimPrefix(s.message, []byte{tagSign1}), &m); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return m
}

// TestForeignSign1 verifies the Sign1 vectors that other code made, the module's
// own and those of the COSE working group and of go-cose, whose algorithm is one of
// ours, and refuses those that must fail.
func TestForeignSign1(t *testing.T) {
	checkSign1(t, ownVectors(t))
	if _, found := example.Shared(t, "cose"); found {
		checkSign1(t, append(coseWGVectors(t), goCOSEVectors(t)...))
	}
}

func checkSign1(t *testing.T, vectors []sign1Vector) {
	t.Helper()
	valid, failing := 0, 0
	for _, v := range vectors {
		key, err := NewPublicKey(v.key)
		if err != nil {
			t.Fatal(err)
		}
		if !v.valid {
			failing++
			if foreignVerifies(v, key) {
				t.Errorf("%s: verifies, and must not", v.name)
			}
			continue
		}
		valid++
		sig := v.untagged(t).Signature
		if key.ecdsa != nil && highS(sig) {
			requireCode(t, verifySign1(key, v.tbs, sig), CodeHighS)
			s := new(big.Int).SetBytes(sig[scalarSize:])
			s.Sub(orderP256, s).FillBytes(sig[scalarSize:])
		}
		if err := verifySign1(key, v.tbs, sig); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		for i := range sig {
			sig[i] ^= 1
			if verifySign1(key, v.tbs, sig) == nil {
				t.Errorf("%s: verifies with byte %d of the signature flipped", v.name, i)
			}
			sig[i] ^= 1
		}
	}
	if valid < 6 || failing < 6 {
		t.Errorf("%d valid and %d failing vectors found, want at least 6 of each", valid, failing)
	}
}

// foreignVerifies asks whether a message that must fail gets through tag,
// algorithm and signature, its unprotected header aside, which is never empty in
// those vectors.
func foreignVerifies(v sign1Vector, key *PublicKey) bool {
	if v.message[0] != tagSign1 {
		return false
	}
	var m untaggedSign1
	if cbor.Unmarshal(v.message[1:], &m) != nil {
		return false
	}
	w := walker{data: m.Protected}
	f := w.fields(unitHeader)
	f.need(headerAlg)
	alg := w.algorithm()
	if w.fault != nil || !key.fits(alg) {
		return false
	}
	tbs := appendBytes([]byte(sigStructureHead), m.Protected)
	tbs = appendBytes(append(tbs, sigStructureAAD), m.Payload)
	return verifySign1(key, tbs, m.Signature) == nil
}

// TestForeignMessagesAreNoStatements: every CBOR item in the foreign vectors,
// good or bad of its kind, is refused as a statement and as everything else.
func TestForeignMessagesAreNoStatements(t *testing.T) {
	items := 0
	each := func(name string, file []byte) {
		var tree any
		if json.Unmarshal(file, &tree) != nil {
			return
		}
		for _, b := range hexStrings(tree) {
			items++
			refuseEverywhere(t, name, b)
		}
	}
	each("own", ownFile(t))
	walkVectors(t, "cose-wg-examples", each)
	walkVectors(t, "go-cose-sign1", each)
	if items < 100 {
		t.Errorf("only %d items found", items)
	}
}

func hexStrings(v any) (found [][]byte) {
	switch v := v.(type) {
	case string:
		if b, err := hex.DecodeString(strings.ToLower(v)); err == nil {
			found = append(found, b)
		}
	case []any:
		for _, item := range v {
			found = append(found, hexStrings(item)...)
		}
	case map[string]any:
		for _, item := range v {
			found = append(found, hexStrings(item)...)
		}
	}
	return found
}

func refuseEverywhere(t *testing.T, name string, b []byte) {
	t.Helper()
	for what, read := range map[string]func([]byte) error{
		"a statement":   discard(Parse),
		"an opening":    discard(ParseOpening),
		"parts":         discard(ParseParts),
		"a leaf":        discard(parsedLeaf),
		"certification": discard(parseCertification),
	} {
		if err := read(b); err == nil {
			t.Errorf("%s: accepted as %s: %x", name, what, b)
		} else {
			requireRefusal(t, err)
		}
	}
}
