package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestReceiptsVerifyAndRoundTrip(t *testing.T) {
	const size = 37
	l := newTestLog(t, "genesis", testOrigin, size, 1)
	both := append(slices.Clone(l.nodes), l.pqNodes...)
	verifier := NewVerifier(l.policy())
	for n := 1; n <= size; n += 3 {
		for index := 0; index < n; index += 2 {
			r := l.receipt(index, n, both...)
			file := r.Marshal()
			again, err := ParseReceipt(file)
			if err != nil {
				t.Fatalf("index %d of %d: %v", index, n, err)
			}
			if !bytes.Equal(again.Marshal(), file) {
				t.Fatalf("index %d of %d: written again differs", index, n)
			}
			for _, p := range []*Policy{l.policy(), l.strict(), l.majority(true)} {
				checkProven(t, l, index, n)(Verify(p, l.records[index], again))
			}
			checkProven(t, l, index, n)(verifier.Verify(l.records[index], again))
		}
	}
}

func checkProven(t *testing.T, l *testLog, index, size int) func(*Proven, error) {
	return func(p *Proven, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("index %d of %d: %v", index, size, err)
		}
		if p.Index != uint64(index) || p.LedgerTime != testTime+7*uint64(index) ||
			p.Checkpoint != l.checkpoint(size) || p.Leaf != LeafHash(l.leaves[index]) {
			t.Errorf("index %d of %d: proven %+v", index, size, p)
		}
		if want := []string{"node1", "node2", "node3"}; !slices.Equal(p.CosignedBy, want) {
			t.Errorf("cosigned by %v, want %v", p.CosignedBy, want)
		}
		if p.Earliest < testTime/1000 || p.Latest != p.Earliest+2 {
			t.Errorf("cosigned between %d and %d", p.Earliest, p.Latest)
		}
	}
}

func TestReceiptRefusalReasons(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	// Same name, same keys, another genesis: only identity tells them apart.
	twin := newTestLog(t, "other genesis", testOrigin, 9, 1)
	stranger := newTestLog(t, "genesis", "stranger.example", 9, 50)
	policy := l.policy()
	narrow := policy.Spec()
	narrow.From, narrow.To = 3, 8
	narrowed := l.policyOf(NewPolicy(narrow))

	cases := []struct {
		what   string
		policy *Policy
		stmt   Statement
		r      *Receipt
		reason error
	}{
		{"a statement of another log", policy, twin.records[4], l.receipt(4, 9, l.nodes...), ErrLogID},
		{"a receipt of a twin log", policy, l.records[4], twin.receipt(4, 9, twin.nodes...), ErrRoot},
		{"a twin log's policy", twin.policy(), l.records[4], l.receipt(4, 9, l.nodes...), ErrLogID},
		{"another statement", policy, l.records[5], l.receipt(4, 9, l.nodes...), ErrRoot},
		{"a stranger's receipt", policy, l.records[4], stranger.receipt(4, 9, stranger.nodes...), ErrOrigin},
		{"no cosigner", policy, l.records[4], l.receipt(4, 9), ErrQuorum},
		{"a minority", policy, l.records[4], l.receipt(4, 9, l.nodes[1]), ErrQuorum},
		{"one node with both its keys", policy, l.records[4], l.receipt(4, 9, l.nodes[1], l.pqNodes[1], l.pqNodes[2]), ErrQuorum},
		{"only ML-DSA cosigners under the Ed25519 policy", policy, l.records[4], l.receipt(4, 9, l.pqNodes...), ErrQuorum},
		{"only Ed25519 cosigners under the ML-DSA policy", l.majority(true), l.records[4], l.receipt(4, 9, l.nodes...), ErrQuorum},
		{"strangers as cosigners", policy, l.records[4], l.receipt(4, 9, stranger.nodes...), ErrQuorum},
		{"a size below the bounds", narrowed, l.records[1], l.receipt(1, 2, l.nodes...), ErrSizeBounds},
		{"a size above the bounds", narrowed, l.records[4], l.receipt(4, 9, l.nodes...), ErrSizeBounds},
		{"a statement without leaf", policy, record{log: l.id}, l.receipt(4, 9, l.nodes...), errNoLeaf},
		{"an empty receipt", policy, l.records[4], &Receipt{}, ErrEncoding},
	}
	for _, c := range cases {
		p, err := Verify(c.policy, c.stmt, c.r)
		wantError(t, c.what, err, c.reason)
		again, errAgain := NewVerifier(c.policy).Verify(c.stmt, c.r)
		wantError(t, c.what+" (Verifier)", errAgain, c.reason)
		if p != nil || again != nil {
			t.Errorf("%s: something was proven beside the error", c.what)
		}
	}
	for _, n := range []int{3, 8} { // both bounds are inclusive
		if _, err := Verify(narrowed, l.records[1], l.receipt(1, n, l.nodes...)); err != nil {
			t.Errorf("size %d within the bounds: %v", n, err)
		}
	}
	if _, err := Verify(policy, l.records[4], l.receipt(4, 9, l.nodes[0], l.nodes[2])); err != nil {
		t.Errorf("a majority: %v", err)
	}
}

// A forged receipt is refused by hashing alone: neither a flood of them nor a
// broken signature scheme gets further.
func TestRootIsCheckedBeforeSignatures(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	r := l.receipt(4, 9, l.nodes...)
	r.Checkpoint = breakSignature(t, r.Checkpoint, testOrigin)
	_, err := Verify(l.policy(), l.records[4], r)
	wantError(t, "bad signature", err, ErrSignature)
	_, err = Verify(l.policy(), l.records[5], r)
	wantError(t, "bad signature and wrong statement", err, ErrRoot)

	path := naiveProof(5, l.leaves)
	older, newer := l.note(5, l.nodes...), breakSignature(t, l.note(9, l.nodes...), testOrigin)
	wantError(t, "growth with a bad signature", VerifyGrowth(l.policy(), older, newer, path), ErrSignature)
	path[0][0] ^= 1
	wantError(t, "growth with bad signature and path", VerifyGrowth(l.policy(), older, newer, path), ErrRoot)
}

// breakSignature flips a bit of the signature of the key called name.
func breakSignature(t *testing.T, note []byte, name string) []byte {
	t.Helper()
	text, sigs, err := ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCheckpoint(text)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range sigs {
		if s.Name == name {
			s.Bytes[len(s.Bytes)-1] ^= 1
		}
		lines = append(lines, s.Line())
	}
	return SignNote(c, lines...)
}

func TestGrowth(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 23, 1)
	policy := l.policy()
	for size := 1; size <= 23; size++ {
		for old := 1; old <= size; old++ {
			err := VerifyGrowth(policy, l.note(old, l.nodes...), l.note(size, l.nodes...), naiveProof(old, l.leaves[:size]))
			if err != nil {
				t.Fatalf("from %d to %d: %v", old, size, err)
			}
		}
	}
	fork := newTestLog(t, "genesis", testOrigin, 23, 1)
	fork.leaves[3] = []byte("another history")
	older, newer, path := l.note(9, l.nodes...), l.note(23, l.nodes...), naiveProof(9, l.leaves)
	for what, err := range map[string]error{
		"two histories":        VerifyGrowth(policy, fork.note(9, l.nodes...), newer, path),
		"two heads of a size":  VerifyGrowth(policy, fork.note(23, l.nodes...), newer, nil),
		"the other way round":  VerifyGrowth(policy, older, fork.note(23, l.nodes...), path),
		"the fork's own proof": VerifyGrowth(policy, older, fork.note(23, l.nodes...), naiveProof(9, fork.leaves)),
	} {
		wantError(t, what, err, ErrRoot)
	}
	wantError(t, "order exchanged", VerifyGrowth(policy, newer, older, path), ErrShrunk)
	wantError(t, "no proof", VerifyGrowth(policy, older, newer, nil), ErrPathLength)
	wantError(t, "older without quorum", VerifyGrowth(policy, l.note(9), newer, path), ErrQuorum)
	wantError(t, "newer without quorum", VerifyGrowth(policy, older, l.note(23), path), ErrQuorum)
	wantError(t, "no note", VerifyGrowth(policy, nil, newer, path), ErrEncoding)
	wantError(t, "no newer note", VerifyGrowth(policy, older, nil, path), ErrEncoding)
}

// receiptLines is a good receipt, line by line, to be spoilt in one place.
type receiptLines struct {
	t     *testing.T
	file  string
	lines []string
	extra string // base64 of the extra line
	hash  string // first line of the path
	time  uint64 // its ledger time
}

func newReceiptLines(t *testing.T, l *testLog) receiptLines {
	file := string(l.receipt(4, 9, l.nodes...).Marshal())
	lines := strings.SplitAfter(file, "\n")
	extra := strings.TrimSuffix(strings.TrimPrefix(lines[1], "extra "), "\n")
	return receiptLines{t: t, file: file, lines: lines, extra: extra, hash: lines[3], time: testTime + 28}
}

// swap puts something else in the place of a part that must be there.
func (r receiptLines) swap(part, other string) string {
	r.t.Helper()
	if !strings.Contains(r.file, part) {
		r.t.Fatalf("the receipt has no %q", part)
	}
	return strings.Replace(r.file, part, other, 1)
}

// raw is the receipt with other bytes in its extra line.
func (r receiptLines) raw(b ...byte) string {
	return r.swap(r.extra, base64.StdEncoding.EncodeToString(b))
}

func (r receiptLines) spoiltExtras() map[string]string {
	return map[string]string{
		"nothing":                      "",
		"magic alone":                  receiptMagic,
		"another version":              r.swap("@v1", "@v2"),
		"no extra":                     r.swap(r.lines[1], ""),
		"extra after index":            r.swap(r.lines[1]+r.lines[2], r.lines[2]+r.lines[1]),
		"extra twice":                  r.swap(r.lines[1], r.lines[1]+r.lines[1]),
		"extra in capitals":            r.swap("extra", "Extra"),
		"extra with two spaces":        r.swap("extra ", "extra  "),
		"extra without padding":        r.swap(r.extra, strings.TrimRight(r.extra, "=")),
		"extra with another tail bit":  r.swap(r.extra, "ggEbAAABox"),
		"extra of version 2":           r.raw(append([]byte{0x82, 0x02}, encodeExtra(r.time)[2:]...)...),
		"extra not an array of two":    r.raw(append([]byte{0x83, 0x01}, encodeExtra(r.time)[2:]...)...),
		"extra with a long time":       r.raw(0x82, 0x01, 0x1b, 0, 0, 0, 0, 0, 0, 0, 7),
		"extra with a byte time of 5":  r.raw(0x82, 0x01, 0x18, 5),
		"extra with a negative time":   r.raw(0x82, 0x01, 0x27),
		"extra with a text time":       r.raw(0x82, 0x01, 0x61, '5'),
		"extra without time":           r.raw(0x82, 0x01),
		"extra with indefinite length": r.raw(0x9f, 0x01, 0x05, 0xff),
		"extra with trailing bytes":    r.raw(append(encodeExtra(r.time), 0)...),
		"extra cut short":              r.raw(encodeExtra(r.time)[:8]...),
		"extra empty":                  r.swap(r.lines[1], "extra \n"),
	}
}

func (r receiptLines) spoiltLines() map[string]string {
	return map[string]string{
		"index with a zero in front":   r.swap("index 4", "index 04"),
		"index with a sign":            r.swap("index 4", "index +4"),
		"index negative":               r.swap("index 4", "index -4"),
		"index in hexadecimal":         r.swap("index 4", "index 0x4"),
		"index with underscore":        r.swap("index 4", "index 1_0"),
		"index empty":                  r.swap("index 4", "index "),
		"index with space":             r.swap("index 4", "index 4 "),
		"index above 63 bits":          r.swap("index 4", "index 9223372036854775808"),
		"index above 64 bits":          r.swap("index 4", "index 18446744073709551620"),
		"index outside the tree":       r.swap("index 4", "index 9"),
		"index outside, path to match": strings.Replace(r.swap("index 4", "index 9"), r.lines[3]+r.lines[4], "", 1),
		"index with another path":      r.swap("index 4", "index 8"),
		"no index":                     r.swap(r.lines[2], ""),
		"carriage returns":             strings.ReplaceAll(r.file, "\n", "\r\n"),
		"a hash less":                  r.swap(r.hash, ""),
		"a hash more":                  r.swap(r.hash, r.hash+r.hash),
		"a hash in hexadecimal":        r.swap(r.hash, strings.Repeat("ab", 32)+"\n"),
		"a hash of 31 bytes":           r.swap(r.hash, r.hash[:40]+"AA==\n"),
		"a hash of 33 bytes":           r.swap(r.hash, "AAAA"+r.hash[:43]+"A\n"),
		"a hash with another tail":     r.swap(r.hash, r.hash[:42]+"B=\n"),
		"a hash in URL base64":         r.swap(r.hash, "_"+r.hash[1:]),
		"a hash with a space":          r.swap(r.hash, " "+r.hash),
		"a hundred hashes":             r.swap(r.hash, strings.Repeat(r.hash, 100)),
		"two empty lines":              r.swap("\n\n"+testOrigin, "\n\n\n"+testOrigin),
		"no empty line":                r.swap("\n\n"+testOrigin, "\n"+testOrigin),
		"no checkpoint":                r.file[:strings.Index(r.file, "\n\n")+2],
		"no signatures":                r.file[:strings.LastIndex(r.file, "\n\n")+1],
		"a byte order mark":            "\ufeff" + r.file,
		"a trailing line feed":         r.file + "\n",
		"a trailing byte":              r.file + "x",
		"a missing line feed":          strings.TrimSuffix(r.file, "\n"),
		"a zero byte at the end":       r.file + "\x00",
		"too large":                    r.file + strings.Repeat("x", MaxReceipt),
	}
}

func TestHostileReceipts(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	lines := newReceiptLines(t, l)
	for _, cases := range []map[string]string{lines.spoiltExtras(), lines.spoiltLines()} {
		for what, hostile := range cases {
			if r, err := ParseReceipt([]byte(hostile)); err == nil {
				t.Errorf("%s: accepted as %+v", what, r)
			} else if !oneReason(err) {
				t.Errorf("%s: error %q wraps no reason of errors.go", what, err)
			}
		}
	}
	for end := range len(lines.file) {
		r, err := ParseReceipt([]byte(lines.file[:end]))
		if err == nil { // whole lines are missing: cosigners, and with them the quorum
			_, err = Verify(l.strict(), l.records[4], r)
		}
		if err == nil {
			t.Errorf("first %d bytes of a receipt: accepted", end)
		}
	}
}

// oneReason tells whether an error wraps a published reason, so that callers
// can branch on it.
func oneReason(err error) bool {
	for _, reason := range []error{ErrEncoding, ErrTooLarge, ErrPathLength, ErrRoot, ErrLogID, ErrOrigin,
		ErrSignature, ErrQuorum, ErrSizeBounds, ErrShrunk, ErrKey, ErrPolicy} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

func TestExtraIsShortest(t *testing.T) {
	for _, time := range []uint64{0, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, testTime, 1<<64 - 1} {
		raw := encodeExtra(time)
		if got, err := decodeExtra(raw); err != nil || got != time {
			t.Errorf("time %d: read back %d, %v", time, got, err)
		}
		for _, width := range []int{1, 2, 4, 8} { // every longer form of the same number
			long := []byte{0x82, 0x01, byte(0x18 + map[int]int{1: 0, 2: 1, 4: 2, 8: 3}[width])}
			for i := width - 1; i >= 0; i-- {
				long = append(long, byte(time>>(8*i)))
			}
			if len(long) > len(raw) {
				if _, err := decodeExtra(long); err == nil {
					t.Errorf("time %d in %d bytes: accepted", time, width)
				}
			}
		}
	}
}
