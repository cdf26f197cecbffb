package proof

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"indelible/test/example"
)

// merkleCase is one file of the vectors of transparency-dev/merkle. A subtree
// case proves within, or up to, the leaves [Start, End).
type merkleCase struct {
	LeafIdx, TreeSize  uint64 // inclusion
	Size1, Size2       uint64 // consistency
	Start, End, Size   uint64 // subtree variants
	Root, Root1, Root2 string
	LeafHash           string
	Proof              []string
	Desc               string
	WantErr            bool
	kind               string // top folder
	root, root1, root2 Hash
	leaf               Hash
	path               []Hash
}

func TestMerkleVectors(t *testing.T) {
	t.Run("own", func(t *testing.T) { checkMerkleFiles(t, example.Own(t, "merkle")) })
	if dir, found := example.Shared(t, "merkle", "transparency-dev-merkle"); found {
		t.Run("shared", func(t *testing.T) { checkMerkleFiles(t, dir) })
	}
}

func checkMerkleFiles(t *testing.T, dir string) {
	seen := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" || d.Name() == ownLog {
			return err
		}
		for _, c := range readMerkleCases(t, dir, path) {
			got := c.verify()
			if (got != nil) != c.WantErr {
				t.Errorf("%s (%s): error %v, want an error: %v", path, c.Desc, got, c.WantErr)
			}
			seen[fmt.Sprintf("%s refused=%v", c.kind, c.WantErr)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 8 { // four kinds, each with positive and negative cases
		t.Errorf("cases by kind: %v, want four kinds, both accepted and refused", seen)
	}
	t.Logf("cases by kind: %v", seen)
}

// readMerkleCases reads a file with a list of cases, which is named for their
// kind, or one with a single case, somewhere in a folder that is.
func readMerkleCases(t *testing.T, dir, path string) []*merkleCase {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	cases := []*merkleCase{{}}
	if raw[0] == '[' {
		err = json.Unmarshal(raw, &cases)
	} else {
		err = json.Unmarshal(raw, cases[0])
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	kind, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	for _, c := range cases {
		c.kind = strings.TrimSuffix(kind, ".json")
	}
	return cases
}

func (c *merkleCase) verify() error {
	if err := c.parse(); err != nil {
		return err
	}
	switch c.kind {
	case "inclusion":
		return VerifyInclusion(c.leaf, c.LeafIdx, c.TreeSize, c.path, c.root)
	case "consistency":
		return VerifyConsistency(c.Size1, c.Size2, c.path, c.root1, c.root2)
	case "subtreeinclusion":
		// A subtree is a tree of its own, counted from its first leaf.
		if c.LeafIdx < c.Start || c.End < c.Start {
			return ErrPathLength
		}
		return VerifyInclusion(c.leaf, c.LeafIdx-c.Start, c.End-c.Start, c.path, c.root)
	case "subtreeconsistency":
		// We prove growth from the first leaf only; the vectors' other starts
		// are negative cases.
		if c.Start != 0 {
			return ErrPathLength
		}
		return VerifyConsistency(c.End, c.Size, c.path, c.root1, c.root2)
	}
	return fmt.Errorf("unknown folder of vectors: %s", c.kind)
}

// parse reads the hashes with the parser of receipts, so that what a receipt
// could not even spell counts as refused.
func (c *merkleCase) parse() (err error) {
	texts := map[*Hash]string{&c.root: c.Root, &c.leaf: c.LeafHash}
	if c.kind == "consistency" || c.kind == "subtreeconsistency" {
		texts = map[*Hash]string{&c.root1: c.Root1, &c.root2: c.Root2}
	}
	c.path = make([]Hash, len(c.Proof))
	for i, text := range c.Proof {
		texts[&c.path[i]] = text
	}
	for h, text := range texts {
		if *h, err = parseHash(text); err != nil {
			return err
		}
	}
	return nil
}

// ownLog is a file with all of a log's files in it.
const ownLog = "log.json"

// The verifier key of the log in shared/data/merkle/tessera-log.
const tesseraVKey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

// TestForeignLog reads whole tlog-tiles logs that other code wrote.
func TestForeignLog(t *testing.T) {
	t.Run("own", func(t *testing.T) {
		raw, err := os.ReadFile(example.Own(t, "merkle", ownLog))
		if err != nil {
			t.Fatal(err)
		}
		var logs []struct {
			VKey  string
			Files map[string][]byte
		}
		if err := json.Unmarshal(raw, &logs); err != nil || len(logs) != 1 {
			t.Fatalf("%d logs, %v", len(logs), err)
		}
		checkForeignLog(t, logs[0].VKey, func(name string) []byte { return logs[0].Files[name] })
	})
	if dir, found := example.Shared(t, "merkle", "tessera-log"); found {
		t.Run("shared", func(t *testing.T) {
			checkForeignLog(t, tesseraVKey, func(name string) []byte {
				raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
				if err != nil {
					t.Fatal(err)
				}
				return raw
			})
		})
	}
}

func checkForeignLog(t *testing.T, vkey string, read func(name string) []byte) {
	policy, err := NewPolicy(PolicySpec{LogVKey: vkey, Quorum: "none"})
	if err != nil {
		t.Fatal(err)
	}
	const size = 15
	entries, err := ParseBundle(read(Tile{Level: EntriesLevel, Width: size}.Path()))
	if err != nil || len(entries) != size {
		t.Fatalf("entry bundle: %d entries, %v", len(entries), err)
	}
	notes := make([][]byte, size+1)
	for n := range size + 1 {
		notes[n] = read(fmt.Sprintf("checkpoint.%d", n))
		v, err := policy.VerifyCheckpoint(notes[n])
		if err != nil {
			t.Fatalf("checkpoint %d: %v", n, err)
		}
		if v.Checkpoint.Size != uint64(n) || v.Checkpoint.Root != naiveRoot(entries[:n]) {
			t.Errorf("checkpoint %d: size %d, root %s", n, v.Checkpoint.Size, v.Checkpoint.Root)
		}
		if n > 0 {
			checkForeignTiles(t, n, entries, read)
		}
		for old := range n {
			if err := VerifyGrowth(policy, notes[old], notes[n], naiveProof(old, entries[:n])); err != nil {
				t.Errorf("growth from %d to %d: %v", old, n, err)
			}
		}
	}
}

func checkForeignTiles(t *testing.T, n int, entries [][]byte, read func(string) []byte) {
	t.Helper()
	hashes, err := ParseTile(read(Tile{Level: 0, Width: n}.Path()))
	if err != nil || len(hashes) != n {
		t.Fatalf("tile of %d: %d hashes, %v", n, len(hashes), err)
	}
	bundle := read(Tile{Level: EntriesLevel, Width: n}.Path())
	cut, err := ParseBundle(bundle)
	if err != nil || len(cut) != n {
		t.Fatalf("bundle of %d: %d entries, %v", n, len(cut), err)
	}
	var again []byte
	for i, entry := range cut {
		if string(entry) != string(entries[i]) || LeafHash(entry) != hashes[i] {
			t.Errorf("entry %d of %d differs between tile and bundles", i, n)
		}
		if again, err = AppendEntry(again, entry); err != nil {
			t.Fatal(err)
		}
	}
	if string(again) != string(bundle) {
		t.Errorf("bundle of %d written again differs", n)
	}
}
