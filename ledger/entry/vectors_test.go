package entry

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"indelible/test/seed"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

const vectorFolder = "testdata/vectors"

// vectorFile is one file of testdata/vectors. Byte strings are lower-case hex.
type vectorFile struct {
	Format string         `json:"format"`
	Accept []acceptVector `json:"accept,omitempty"`
	Refuse []refuseVector `json:"refuse"`
}

type acceptVector struct {
	Name       string `json:"name"`
	Bytes      string `json:"bytes"`
	Key        string `json:"key,omitempty"`         // SubjectPublicKeyInfo
	ID         string `json:"id,omitempty"`          // statement id, commitment or digest
	Log        string `json:"log,omitempty"`         // identity of the log
	LedgerTime uint64 `json:"ledger_time,omitempty"` // of the leaf
	LeafHash   string `json:"leaf_hash,omitempty"`   // SHA-256(00 ‖ leaf)
}

type refuseVector struct {
	Name  string `json:"name"`
	Code  Code   `json:"code"`
	Key   string `json:"key,omitempty"`
	Bytes string `json:"bytes"`
}

func leafHash(t testing.TB, s *Statement, ledgerTime uint64) string {
	t.Helper()
	leaf, err := s.Leaf(ledgerTime)
	if err != nil {
		t.Fatal(err)
	}
	return hashOf(append([]byte{leafPrefix}, leaf...)).String()
}

// statementVectors makes the file of one kind. The faults every kind shares are
// kept once, with the readings.
func statementVectors(t testing.TB, kind Kind) vectorFile {
	t.Helper()
	file := vectorFile{Format: "statement " + kind.String()}
	var signed []*Statement
	cases := acceptCases(t, kind)
	for _, c := range cases {
		s := mustSign(t, c.draft, c.key)
		signed = append(signed, s)
		file.Accept = append(file.Accept, acceptVector{
			Name: c.name, Bytes: hex.EncodeToString(s.Bytes()), Key: hex.EncodeToString(spkiOf(t, c.key)), ID: s.ID().String(),
			Log: LogID(s.LogID()).String(), LedgerTime: vectorTime + 17, LeafHash: leafHash(t, s, vectorTime+17),
		})
	}
	refuse := func(from int, c refuseCase) {
		f := newForge(t, signed[from], cases[from].key)
		c.edit(f)
		file.Refuse = append(file.Refuse, refuseVector{c.name, c.code, hex.EncodeToString(spkiOf(t, f.key)), hex.EncodeToString(f.bytes())})
	}
	if kind == KindReading {
		for _, c := range envelopeCases() {
			if c.code != CodeTooLarge {
				refuse(0, c)
			}
		}
	}
	for _, c := range kindClaimCases(kind, cases[0].draft) {
		refuse(0, c)
	}
	for _, c := range fieldCases(newForge(t, signed[0], cases[0].key), optionalFields[kind]) {
		refuse(0, c)
	}
	for _, c := range bodyCases(t, kind) {
		refuse(c.from, c.refuseCase)
	}
	return file
}

// TestVectors makes every vector anew and demands that the files do not differ.
func TestVectors(t *testing.T) {
	files := map[string]vectorFile{}
	for _, kind := range Kinds() {
		files[kind.String()] = statementVectors(t, kind)
	}
	for name, file := range otherVectors(t) {
		files[name] = file
	}
	for name, file := range files {
		if len(file.Accept) < 1 || len(file.Refuse) < 10 {
			t.Errorf("%s: %d positive and %d negative vectors, want 1 and 10", name, len(file.Accept), len(file.Refuse))
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(file); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(vectorFolder, name+".json")
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s differs from what the generator makes; a format changed, or run go test -update", path)
		}
	}
	checkNoOtherFiles(t, files)
}

func checkNoOtherFiles(t *testing.T, files map[string]vectorFile) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(vectorFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(files) {
		t.Errorf("%d files in %s, want %d", len(found), vectorFolder, len(files))
	}
}

func readVectors(t testing.TB, name string) vectorFile {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorFolder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// accept does what a node does with a statement that comes in.
func accept(raw []byte, key *PublicKey) (*Statement, error) {
	s, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	return s, s.Verify(key)
}

func TestStatementVectors(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind.String(), func(t *testing.T) {
			file := readVectors(t, kind.String())
			for _, v := range file.Accept {
				checkAccepted(t, v, kind)
			}
			for _, v := range file.Refuse {
				key, err := ParsePublicKey(unhex(t, v.Key))
				if err != nil {
					t.Fatal(err)
				}
				if _, err = Parse(unhex(t, v.Bytes)); err == nil && v.Code != CodeBadSignature {
					t.Errorf("%s: parsed", v.Name)
				}
				_, err = accept(unhex(t, v.Bytes), key)
				if err == nil {
					t.Errorf("%s: accepted", v.Name)
				} else if r := requireRefusal(t, err); r.Code != v.Code {
					t.Errorf("%s: refused with %v, want code %s", v.Name, r, v.Code)
				}
			}
		})
	}
}

func checkAccepted(t *testing.T, v acceptVector, kind Kind) {
	t.Helper()
	key, err := ParsePublicKey(unhex(t, v.Key))
	if err != nil {
		t.Fatal(err)
	}
	s, err := accept(unhex(t, v.Bytes), key)
	if err != nil {
		t.Errorf("%s: %v", v.Name, err)
		return
	}
	if s.Kind != kind || s.ID().String() != v.ID || LogID(s.LogID()).String() != v.Log || leafHash(t, s, v.LedgerTime) != v.LeafHash {
		t.Errorf("%s: kind %s, id %s, log %s, leaf hash %s", v.Name, s.Kind, s.ID(), LogID(s.LogID()), leafHash(t, s, v.LedgerTime))
	}
	secondRead(t, s, key.Key())
}

// TestSharedFaults makes the faults every kind shares in every kind, under both
// algorithms: they are refused, with the same code wherever the kind allows what
// the fault is about.
func TestSharedFaults(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		for _, fault := range envelopeCases() {
			for _, key := range []crypto.Signer{vectorEd25519("fault"), vectorP256("fault")} {
				d, _ := c.draft(t, kind)
				if g, ok := d.Body.(*Genesis); ok {
					g.Registrars[0] = spkiOf(t, key)
				}
				f := newForge(t, mustSign(t, d, key), key)
				fault.edit(f)
				_, err := accept(f.bytes(), publicOf(t, key))
				if err == nil {
					t.Errorf("%s: %s: accepted", kind, fault.name)
					continue
				}
				if r := requireRefusal(t, err); r.Code != fault.code && kind == KindReading {
					t.Errorf("%s: %s: %v, want %s", kind, fault.name, r, fault.code)
				}
			}
		}
	}
}
