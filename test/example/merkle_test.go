package example

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// merkleCase is a question to a verifier of RFC 6962 proofs, and whether it has
// to refuse. A subtree case is about the leaves from start on and before end.
type merkleCase struct {
	Desc     string   `json:"desc"`
	LeafIdx  uint64   `json:"leafIdx,omitempty"`
	TreeSize uint64   `json:"treeSize,omitempty"`
	Size1    uint64   `json:"size1,omitempty"`
	Size2    uint64   `json:"size2,omitempty"`
	Start    uint64   `json:"start,omitempty"`
	End      uint64   `json:"end,omitempty"`
	Size     uint64   `json:"size,omitempty"`
	Root     []byte   `json:"root,omitempty"`
	Root1    []byte   `json:"root1,omitempty"`
	Root2    []byte   `json:"root2,omitempty"`
	LeafHash []byte   `json:"leafHash,omitempty"`
	Proof    [][]byte `json:"proof"`
	WantErr  bool     `json:"wantErr"`
}

// lines is a JSON array with one item a line.
func lines[T any](items []T) []byte {
	var out bytes.Buffer
	for i, item := range items {
		raw, err := json.Marshal(item)
		if err != nil {
			panic(err)
		}
		out.WriteString([]string{"[\n", ",\n"}[min(i, 1)])
		out.Write(raw)
	}
	out.WriteString("\n]\n")
	return out.Bytes()
}

func leaves(n int) (out [][]byte) {
	for i := range n {
		out = append(out, fmt.Appendf(nil, "reading %d of a made-up person", i))
	}
	return out
}

func hash(parts ...[]byte) []byte {
	h := sha256.Sum256(bytes.Join(parts, nil))
	return h[:]
}

// tree is MTH of RFC 6962 §2.1, as it is written there.
func tree(d [][]byte) []byte {
	switch len(d) {
	case 0:
		return hash()
	case 1:
		return hash([]byte{0}, d[0])
	}
	k := below(len(d))
	return hash([]byte{1}, tree(d[:k]), tree(d[k:]))
}

// below is the largest power of two smaller than n.
func below(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// path is PATH of §2.1.1.
func path(m int, d [][]byte) [][]byte {
	if len(d) <= 1 {
		return nil
	}
	k := below(len(d))
	if m < k {
		return append(path(m, d[:k]), tree(d[k:]))
	}
	return append(path(m-k, d[k:]), tree(d[:k]))
}

// grown is PROOF of §2.1.2, and sub its SUBPROOF.
func grown(m int, d [][]byte) [][]byte {
	if m == 0 {
		return nil
	}
	return sub(m, d, true)
}

func sub(m int, d [][]byte, known bool) [][]byte {
	if m == len(d) {
		if known {
			return nil
		}
		return [][]byte{tree(d)}
	}
	k := below(len(d))
	if m <= k {
		return append(sub(m, d[:k], known), tree(d[k:]))
	}
	return append(sub(m-k, d[k:], false), tree(d[:k]))
}

func flipped(b []byte) []byte {
	out := bytes.Clone(b)
	out[len(out)/2] ^= 0x10
	return out
}

// altered are ways to spoil a proof; each makes it wrong whatever it was.
func altered(c merkleCase) (out []merkleCase) {
	longer, shorter := c, c
	longer.Desc, longer.Proof = c.Desc+", one hash more", append(bytesCopy(c.Proof), hash([]byte("more")))
	out = append(out, longer)
	if len(c.Proof) > 0 {
		shorter.Desc, shorter.Proof = c.Desc+", one hash fewer", c.Proof[:len(c.Proof)-1]
		other := c
		other.Desc, other.Proof = c.Desc+", a bit of a hash turned", append(bytesCopy(c.Proof[:len(c.Proof)-1]), flipped(c.Proof[len(c.Proof)-1]))
		out = append(out, shorter, other)
	}
	for i := range out {
		out[i].WantErr = true
	}
	return out
}

func bytesCopy(list [][]byte) [][]byte { return append([][]byte{}, list...) }

var treeSizes = []int{1, 2, 3, 5, 7, 8, 9, 33}

func inclusionCases() (out []merkleCase) {
	for _, n := range treeSizes {
		d := leaves(n)
		for _, m := range []int{0, n / 2, n - 1} {
			good := merkleCase{
				Desc: fmt.Sprintf("leaf %d of %d", m, n), LeafIdx: uint64(m), TreeSize: uint64(n),
				Root: tree(d), LeafHash: hash([]byte{0}, d[m]), Proof: path(m, d),
			}
			out = append(out, good)
			out = append(out, altered(good)...)
			root, leaf, beyond := good, good, good
			root.Desc, root.WantErr, root.Root = good.Desc+", another root", true, flipped(good.Root)
			leaf.Desc, leaf.WantErr, leaf.LeafHash = good.Desc+", another leaf", true, flipped(good.LeafHash)
			beyond.Desc, beyond.WantErr, beyond.LeafIdx = good.Desc+", said to be beyond the end", true, good.TreeSize
			out = append(out, root, leaf, beyond)
		}
	}
	return out
}

func consistencyCases() (out []merkleCase) {
	for _, n := range treeSizes {
		d := leaves(n)
		for _, m := range []int{1, (n + 1) / 2, n} {
			good := merkleCase{
				Desc: fmt.Sprintf("from %d to %d", m, n), Size1: uint64(m), Size2: uint64(n), Root1: tree(d[:m]), Root2: tree(d), Proof: grown(m, d),
			}
			out = append(out, good)
			out = append(out, altered(good)...)
			before, after, back := good, good, good
			before.Desc, before.WantErr, before.Root1 = good.Desc+", another root before", true, flipped(good.Root1)
			after.Desc, after.WantErr, after.Root2 = good.Desc+", another root after", true, flipped(good.Root2)
			back.Desc, back.WantErr, back.Size1 = good.Desc+", going back", true, good.Size2+1
			out = append(out, before, after, back)
		}
	}
	return out
}

func subtreeInclusionCases() (out []merkleCase) {
	d := leaves(16)
	for _, s := range [][3]int{{0, 8, 3}, {8, 16, 8}, {8, 12, 11}, {4, 7, 6}} {
		start, end, m := s[0], s[1], s[2]
		part := d[start:end]
		good := merkleCase{
			Desc: fmt.Sprintf("leaf %d within %d to %d", m, start, end), LeafIdx: uint64(m), Start: uint64(start), End: uint64(end),
			Root: tree(part), LeafHash: hash([]byte{0}, d[m]), Proof: path(m-start, part),
		}
		out = append(out, good)
		out = append(out, altered(good)...)
		outside := good
		outside.Desc, outside.WantErr, outside.LeafIdx = good.Desc+", said to be outside", true, good.End
		out = append(out, outside)
	}
	return out
}

func subtreeConsistencyCases() (out []merkleCase) {
	for _, n := range []int{2, 5, 16, 33} {
		d := leaves(n)
		m := (n + 1) / 2
		good := merkleCase{
			Desc: fmt.Sprintf("0 to %d within %d", m, n), End: uint64(m), Size: uint64(n), Root1: tree(d[:m]), Root2: tree(d), Proof: grown(m, d),
		}
		out = append(out, good)
		out = append(out, altered(good)...)
		late := good
		late.Desc, late.WantErr, late.Start = good.Desc+", said to begin later", true, 1
		out = append(out, late)
	}
	return out
}

// logOrigin and logSeed are the name and the key of the log in log.json.
const (
	logOrigin = "example.org/log/made-up"
	logSize   = 15
)

// tlog is a whole C2SP tlog-tiles log with a checkpoint of every size: its files
// by name, and the key that verifies it.
func tlog() any {
	key := ed25519.NewKeyFromSeed(hash([]byte("the key of the made-up log")))
	public := append([]byte{1}, key.Public().(ed25519.PublicKey)...) // signature type 1 is Ed25519
	id := hash([]byte(logOrigin), []byte("\n"), public)[:4]
	files := map[string][]byte{}
	d := leaves(logSize)
	var bundle, tile []byte
	for n := 0; n <= logSize; n++ {
		text := fmt.Sprintf("%s\n%d\n%s\n", logOrigin, n, base64.StdEncoding.EncodeToString(tree(d[:n])))
		sig := base64.StdEncoding.EncodeToString(append(bytes.Clone(id), ed25519.Sign(key, []byte(text))...))
		files[fmt.Sprintf("checkpoint.%d", n)] = fmt.Appendf(nil, "%s\n— %s %s\n", text, logOrigin, sig)
		if n > 0 {
			bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(d[n-1]))), d[n-1]...)
			tile = append(tile, hash([]byte{0}, d[n-1])...)
			files[fmt.Sprintf("tile/entries/000.p/%d", n)] = bytes.Clone(bundle)
			files[fmt.Sprintf("tile/0/000.p/%d", n)] = bytes.Clone(tile)
		}
	}
	vkey := fmt.Sprintf("%s+%x+%s", logOrigin, id, base64.StdEncoding.EncodeToString(public))
	return map[string]any{"vkey": vkey, "size": logSize, "files": files}
}
