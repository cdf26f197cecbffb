package entry

import (
	"crypto"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"indelible/test/seed"
)

// A forge builds statements that no Draft would: it takes one apart into a tree,
// lets a test change anything, and signs the result properly, so that the
// change is the only fault.

type (
	list  []any // an array
	pairs []pair
	pair  struct{ key, value any }
	// cborRaw stands as it is.
	cborRaw []byte
	negint  uint64 // -1-n
	tagged  struct {
		number uint64
		value  any
	}
)

// plant encodes a tree in the order given; a statement's own encoder sorts and
// checks, this one does not.
func plant(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte{0xf6}
	case bool:
		return appendBool(nil, v)
	case int:
		return appendInt(nil, int64(v))
	case uint64:
		return appendUint(nil, v)
	case negint:
		return appendHead(nil, majorNegint, uint64(v))
	case []byte:
		return appendBytes(nil, v)
	case string:
		return appendText(nil, v)
	case cborRaw:
		return v
	case list:
		b := appendArray(nil, len(v))
		for _, item := range v {
			b = append(b, plant(item)...)
		}
		return b
	case pairs:
		b := appendHead(nil, majorMap, uint64(len(v)))
		for _, p := range v {
			b = append(append(b, plant(p.key)...), plant(p.value)...)
		}
		return b
	}
	panic(fmt.Sprintf("cannot plant a %T", v))
}

// uproot decodes a valid item into a tree, by its own simple recursion.
func uproot(b []byte) (any, []byte) {
	major, arg, b := b[0]>>5, uint64(b[0]&31), b[1:]
	if arg >= 24 && arg < 28 {
		size := 1 << (arg - 24)
		wide := append(make([]byte, 8-size), b[:size]...)
		arg, b = binary.BigEndian.Uint64(wide), b[size:]
	}
	switch major {
	case majorUint:
		return arg, b
	case majorNegint:
		return negint(arg), b
	case majorBytes:
		return slices.Clone(b[:arg]), b[arg:]
	case majorText:
		if utf8.Valid(b[:arg]) {
			return string(b[:arg]), b[arg:]
		}
	case majorArray:
		items := list{}
		for range arg {
			var item any
			item, b = uproot(b)
			items = append(items, item)
		}
		return items, b
	case majorMap:
		m := pairs{}
		for range arg {
			var p pair
			p.key, b = uproot(b)
			p.value, b = uproot(b)
			m = append(m, p)
		}
		return m, b
	case majorTag:
		v, rest := uproot(b)
		return tagged{arg, v}, rest
	case majorSimple:
		switch arg {
		case simpleFalse, simpleTrue:
			return arg == simpleTrue, b
		case simpleNull:
			return nil, b
		}
	}
	panic("not an item of ours")
}

// uprootWhole decodes an item that may be none of ours, or be followed by more.
func uprootWhole(b []byte) (v any, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	v, rest := uproot(b)
	return v, len(rest) == 0
}

func label(n int64) any {
	if n < 0 {
		return negint(-1 - n)
	}
	return uint64(n)
}

func (p pairs) at(n int64) int {
	return slices.IndexFunc(p, func(q pair) bool { return q.key == label(n) })
}

// set replaces the value of a key, or inserts the pair where it belongs.
func (p *pairs) set(n int64, value any) {
	if i := p.at(n); i >= 0 {
		(*p)[i].value = value
		return
	}
	i := 0
	for i < len(*p) && keyRank((*p)[i].key) < rank(n) {
		i++
	}
	*p = slices.Insert(*p, i, pair{label(n), value})
}

func keyRank(key any) uint64 {
	if n, ok := key.(negint); ok {
		return 1<<63 | uint64(n)
	}
	return key.(uint64)
}

func (p *pairs) drop(n int64) {
	*p = slices.DeleteFunc(*p, func(q pair) bool { return q.key == label(n) })
}

func (p pairs) get(n int64) any { return p[p.at(n)].value }

type forge struct {
	t       testing.TB
	key     crypto.Signer
	header  pairs // the claims stand apart
	claims  any
	fields  pairs // the open map
	sealed  any   // digest or null of a both kind
	kind    Kind
	whole   any // the payload when it is not built from fields and sealed
	envelop func(protected, payload, sig []byte) []byte
	after   func(raw []byte) []byte
}

func newForge(t testing.TB, s *Statement, key crypto.Signer) *forge {
	t.Helper()
	env, err := openEnvelope(s.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	f := &forge{t: t, key: key, kind: s.Kind}
	header, _ := uproot(env.protected)
	f.header = header.(pairs)
	f.claims = f.header.get(headerClaims)
	switch s.Kind.shape() {
	case shapeSealed:
		f.whole = cborRaw(env.payload)
	case shapeOpen:
		m, _ := uproot(env.payload)
		f.fields = m.(pairs)
	case shapeBoth:
		m, _ := uproot(env.payload)
		f.sealed, f.fields = m.(list)[0], m.(list)[1].(pairs)
	}
	return f
}

// claim is the claims map for changing.
func (f *forge) claim(n int64, value any) {
	c := f.claims.(pairs)
	c.set(n, value)
	f.claims = c
}

func (f *forge) dropClaim(n int64) {
	c := f.claims.(pairs)
	c.drop(n)
	f.claims = c
}

func (f *forge) payload() []byte {
	switch {
	case f.whole != nil:
		return plant(f.whole)
	case f.kind.shape() == shapeOpen:
		return plant(f.fields)
	}
	return plant(list{f.sealed, f.fields})
}

func (f *forge) bytes() []byte {
	f.t.Helper()
	if i := f.header.at(headerClaims); i >= 0 {
		f.header[i].value = f.claims
	}
	protected, payload := plant(f.header), f.payload()
	raw, err := signSign1(nil, f.key, publicOf(f.t, f.key), protected, payload)
	if err != nil {
		f.t.Fatal(err)
	}
	if f.envelop != nil {
		raw = f.envelop(protected, payload, raw[len(raw)-signatureSize:])
	}
	if f.after != nil {
		raw = f.after(raw)
	}
	return raw
}

func TestForgeChangesNothingByItself(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		for range 20 {
			d, key := c.draft(t, kind)
			s := mustSign(t, d, key)
			sameBytes(t, "forged "+kind.String(), newForge(t, s, key).bytes(), s.Bytes())
		}
	}
}
