package proof

import (
	"bytes"
	"testing"
)

// Every parser accepts exactly one spelling: what it accepts, written again, is
// what it read. And it never panics.

func FuzzParseNote(f *testing.F) {
	l := newTestLog(f, "genesis", testOrigin, 5, 1)
	f.Add(l.note(5, l.nodes...))
	f.Add(l.note(3, l.pqNodes[0]))
	f.Add([]byte("text\n\nmore\n\n\u2014 a AAAAAAE=\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, sigs, err := ParseNote(raw)
		if err != nil {
			return
		}
		again := []byte(text + "\n")
		for _, s := range sigs {
			again = append(again, s.Line()...)
		}
		if !bytes.Equal(again, raw) {
			t.Errorf("note written again as %q", again)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	l := newTestLog(f, "genesis", testOrigin, 5, 1)
	f.Add(l.checkpoint(5).Text())
	f.Add(l.checkpoint(0).Text())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheckpoint(text)
		if err == nil && c.Text() != text {
			t.Errorf("checkpoint written again as %q", c.Text())
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	l := newTestLog(f, "genesis", testOrigin, 9, 1)
	good := l.receipt(4, 9, l.nodes...).Marshal()
	f.Add(good)
	f.Add(l.receipt(0, 1, l.pqNodes[0]).Marshal())
	policy := l.strict()
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := ParseReceipt(file)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Marshal(), file) {
			t.Errorf("receipt written again as %q", r.Marshal())
		}
		if p, err := Verify(policy, l.records[4], r); err == nil && !bytes.Equal(file, good) {
			t.Errorf("accepted as %+v", p)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	l := newTestLog(f, "genesis", testOrigin, 1, 1)
	f.Add(l.policy().Marshal())
	f.Add(append(l.majority(true).Marshal(), "# comment\n\n"...))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParsePolicy(file)
		if err != nil {
			return
		}
		// Comments and spaces go; what is written then is read as the same.
		again, err := ParsePolicy(p.Marshal())
		if err != nil || !bytes.Equal(again.Marshal(), p.Marshal()) {
			t.Errorf("policy written as %q, read with error %v", p.Marshal(), err)
		}
	})
}

func FuzzParseTilePath(f *testing.F) {
	f.Add("tile/0/x001/067.p/5")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ParseTilePath(path)
		if err == nil && tile.Path() != path {
			t.Errorf("tile path written again as %q", tile.Path())
		}
	})
}

func FuzzParseVKey(f *testing.F) {
	l := newTestLog(f, "genesis", testOrigin, 1, 1)
	f.Add(l.log.VKey())
	f.Add(l.nodes[0].VKey())
	f.Add(l.pqNodes[0].VKey())
	f.Fuzz(func(t *testing.T, vkey string) {
		k, err := ParseVKey(vkey)
		if err == nil && k.String() != vkey {
			t.Errorf("vkey written again as %q", k)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add([]byte{0, 3, 'o', 'n', 'e', 0, 0})
	f.Fuzz(func(t *testing.T, bundle []byte) {
		entries, err := ParseBundle(bundle)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			if again, err = AppendEntry(again, e); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again, bundle) {
			t.Errorf("bundle written again as %x", again)
		}
	})
}
