package proof

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"indelible/test/seed"
)

// forgery is a receipt on its way to being altered, and whose it claims to be.
type forgery struct {
	stmt   record
	policy *Policy
	r      Receipt
	file   []byte // set when the file itself was altered
}

// mutator alters good receipts at random. The policy demands every signature
// there is, so that nothing in a note is spare.
type mutator struct {
	rand     *rand.Rand
	logs     [2]*testLog // same name, same keys, different genesis
	policies [2]*Policy
	pool     [2][]*Receipt
}

func newMutator(t *testing.T) *mutator {
	const size = 40
	m := &mutator{}
	for i, genesis := range []string{"genesis", "other genesis"} {
		m.logs[i] = newTestLog(t, genesis, testOrigin, size, 1)
		m.policies[i] = m.logs[i].strict()
		for index := range size {
			n := min(size, index+1+(index*7)%13)
			m.pool[i] = append(m.pool[i], m.logs[i].receipt(index, n, m.logs[i].nodes...))
		}
	}
	return m
}

// with shares the pool under another source of chance.
func (m *mutator) with(seed, stream uint64) *mutator {
	own := *m
	own.rand = rand.New(rand.NewPCG(seed, stream))
	return &own
}

func (m *mutator) bit() byte { return 1 << m.rand.IntN(8) }

func (m *mutator) receipt(log int) *Receipt { return m.pool[log][m.rand.IntN(len(m.pool[log]))] }

// forge alters one good receipt once or twice.
func (m *mutator) forge() forgery {
	good := m.receipt(0)
	f := forgery{stmt: m.logs[0].records[good.Index], policy: m.policies[0], r: *good}
	f.r.Path = slices.Clone(good.Path)
	for range 1 + m.rand.IntN(5)/4 {
		m.mutate(&f)
	}
	return f
}

func (m *mutator) mutate(f *forgery) {
	switch m.rand.IntN(16) {
	case 0, 1:
		f.r.Index = m.number(f.r.Index)
	case 2, 3:
		f.r.LedgerTime = m.number(f.r.LedgerTime)
	case 4, 5, 6:
		if len(f.r.Path) > 0 {
			f.r.Path[m.rand.IntN(len(f.r.Path))][m.rand.IntN(HashSize)] ^= m.bit()
		}
	case 7, 8:
		f.r.Path = m.path(f.r.Path)
	case 9:
		f.r.Checkpoint = m.bytes(f.r.Checkpoint)
	case 10:
		f.file = m.bytes(f.r.Marshal())
	case 11, 12:
		m.graft(&f.r, m.receipt(0))
	case 13:
		m.graft(&f.r, m.receipt(1))
	case 14:
		f.stmt = m.logs[m.rand.IntN(2)].records[m.rand.IntN(len(m.logs[0].records))]
	case 15:
		m.elsewhere(f)
	}
}

func (m *mutator) number(n uint64) uint64 {
	switch m.rand.IntN(4) {
	case 0:
		return n + 1
	case 1:
		return n - 1
	case 2:
		return n ^ 1<<m.rand.IntN(64)
	}
	return m.rand.Uint64() >> m.rand.IntN(64)
}

func (m *mutator) path(p []Hash) []Hash {
	at := m.rand.IntN(len(p) + 1)
	if m.rand.IntN(3) == 0 || len(p) == 0 {
		return slices.Insert(p, at, Hash{byte(m.rand.Uint32())})
	}
	at = m.rand.IntN(len(p))
	if m.rand.IntN(2) == 0 {
		return slices.Delete(p, at, at+1)
	}
	other := m.rand.IntN(len(p))
	p[at], p[other] = p[other], p[at]
	return p
}

// bytes flips, sets, removes or inserts one byte.
func (m *mutator) bytes(b []byte) []byte {
	b = bytes.Clone(b)
	at := m.rand.IntN(len(b))
	switch m.rand.IntN(5) {
	case 0:
		b[at] = byte(m.rand.Uint32())
	case 1:
		return slices.Delete(b, at, at+1)
	case 2:
		return slices.Insert(b, at, b[m.rand.IntN(len(b))])
	default:
		b[at] ^= m.bit()
	}
	return b
}

// graft puts one part of another good receipt into this one.
func (m *mutator) graft(r, other *Receipt) {
	switch m.rand.IntN(4) {
	case 0:
		r.Index = other.Index
	case 1:
		r.LedgerTime = other.LedgerTime
	case 2:
		r.Path = slices.Clone(other.Path)
	case 3:
		r.Checkpoint = other.Checkpoint
	}
}

// elsewhere shows a receipt of one log to those who trust its twin.
func (m *mutator) elsewhere(f *forgery) {
	switch m.rand.IntN(3) {
	case 0:
		f.policy = m.policies[1]
	case 1:
		f.stmt = m.logs[1].records[f.stmt.index(m.logs[0])]
	case 2:
		f.r = *m.pool[1][f.stmt.index(m.logs[0])]
		f.r.Path = slices.Clone(f.r.Path)
	}
}

// index finds a statement in its log; the twin has one of the same text there.
func (r record) index(in *testLog) int {
	return slices.IndexFunc(in.records, func(o record) bool { return o.text == r.text })
}

// accepted returns the file that was accepted and must not have been, or nil.
// What the log itself would issue, byte for byte, for that very statement is no
// forgery: two changes can lead from one honest receipt to another.
func (m *mutator) accepted(f forgery) []byte {
	r := &f.r
	if f.file != nil {
		var err error
		if r, err = ParseReceipt(f.file); err != nil {
			return nil
		}
	}
	p, err := Verify(f.policy, f.stmt, r)
	if err != nil {
		return nil
	}
	file := f.file
	if file == nil {
		file = r.Marshal()
	}
	for i, l := range m.logs {
		index := f.stmt.index(l)
		if f.policy != m.policies[i] || f.stmt != l.records[index] || p.Checkpoint.Size <= uint64(index) {
			continue
		}
		if bytes.Equal(file, l.receipt(index, int(p.Checkpoint.Size), l.nodes...).Marshal()) {
			return nil
		}
	}
	return file
}

func TestNoMutatedReceiptIsAccepted(t *testing.T) {
	mutations := 1_000_000
	if raceDetector {
		mutations = 20_000
	}
	seed := seed.Of(t)
	m := newMutator(t)
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			own := m.with(seed, uint64(w))
			for range mutations / workers {
				f := own.forge()
				if file := own.accepted(f); file != nil {
					t.Errorf("worker %d of %d: accepted for %q of log %x:\n%s", w, workers, f.stmt.text, f.stmt.log, file)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Not at random but every one: each bit of a receipt file.
func TestNoFlippedBitIsAccepted(t *testing.T) {
	m := newMutator(t)
	bits := 8
	if raceDetector {
		bits = 1
	}
	good := m.pool[0][22]
	flip := func(file []byte, stmt record, policy *Policy, bits int) {
		for at := range file {
			for bit := range bits {
				altered := bytes.Clone(file)
				altered[at] ^= 1 << ((at + bit) % 8)
				r, err := ParseReceipt(altered)
				if err != nil {
					continue
				}
				if _, err := Verify(policy, stmt, r); err == nil {
					t.Fatalf("byte %d with bit %d flipped: accepted", at, (at+bit)%8)
				}
			}
		}
	}
	flip(good.Marshal(), m.logs[0].records[22], m.policies[0], bits)

	// The same with a single ML-DSA-44 cosignature, one bit of each byte.
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	l.members = l.members[:1]
	flip(l.receipt(4, 9, l.pqNodes[0]).Marshal(), l.records[4], l.majority(true), 1)
}
