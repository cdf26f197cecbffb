package entry

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"indelible/test/seed"
)

// A matcher for the part of CDDL (RFC 8610) that FORMAT.cddl uses, so that the
// file is held against the vectors and cannot drift from the code.

// cddlType is a choice of alternatives.
type cddlType []cddlAlternative

type cddlAlternative struct {
	literal any        // uint64, negint, string
	name    string     // a rule, a parameter or a built-in
	args    []cddlType // of a generic rule
	group   cddlGroup  // of a map, an array or parentheses
	bracket string     // "{", "[", "(" or ""
	tag     uint64     // of "#6.n(type)", with group
	control string     // "..", ".size", ".cbor", ".regexp"
	operand cddlType
}

// cddlGroup is a choice of sequences of entries.
type cddlGroup [][]cddlEntry

type cddlEntry struct {
	low, high int
	key       cddlType // nil: none
	value     cddlType
}

type cddlRule struct {
	params []string
	body   cddlType
}

type cddl struct {
	t      testing.TB
	tokens []string
	at     int
	rules  map[string]cddlRule
}

var cddlToken = regexp.MustCompile(`"[^"]*"|[a-zA-Z][a-zA-Z0-9_-]*(?:\.[a-zA-Z]+)*|-?[0-9]+|\.\.|\.(?:size|cbor|regexp)|#6\.[0-9]+|=>|//|[=/:,?*+<>(){}\[\]]`)

func readCDDL(t testing.TB) *cddl {
	t.Helper()
	b, err := os.ReadFile("FORMAT.cddl")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m);.*$`).ReplaceAllString(string(b), "")
	if rest := strings.Join(strings.Fields(cddlToken.ReplaceAllString(text, " ")), ""); rest != "" {
		t.Fatalf("FORMAT.cddl holds what is no token: %q", rest)
	}
	c := &cddl{t: t, tokens: append(cddlToken.FindAllString(text, -1), ""), rules: map[string]cddlRule{}}
	for c.peek() != "" {
		name := c.next()
		var rule cddlRule
		if c.take("<") {
			for rule.params = []string{c.next()}; c.take(","); {
				rule.params = append(rule.params, c.next())
			}
			c.need(">")
		}
		c.need("=")
		rule.body = c.choice()
		if _, twice := c.rules[name]; twice {
			t.Fatalf("rule %s stands twice", name)
		}
		c.rules[name] = rule
	}
	return c
}

func (c *cddl) peek() string { return c.tokens[c.at] }

func (c *cddl) next() string {
	c.at++
	return c.tokens[c.at-1]
}

func (c *cddl) take(token string) bool {
	if c.peek() != token {
		return false
	}
	c.at++
	return true
}

func (c *cddl) need(token string) {
	c.t.Helper()
	if !c.take(token) {
		c.t.Fatalf("FORMAT.cddl: %q where %q should be, near %q", c.peek(), token, c.tokens[max(0, c.at-8):min(c.at+3, len(c.tokens))])
	}
}

func (c *cddl) choice() cddlType {
	t := cddlType{c.alternative()}
	for c.take("/") {
		t = append(t, c.alternative())
	}
	return t
}

func (c *cddl) alternative() cddlAlternative {
	a := c.atom()
	switch op := c.peek(); op {
	case "..", ".size", ".cbor", ".regexp":
		c.next()
		a.control, a.operand = op, cddlType{c.atom()}
	}
	return a
}

func (c *cddl) atom() cddlAlternative {
	token := c.next()
	switch {
	case token == "{" || token == "[" || token == "(":
		closing := map[string]string{"{": "}", "[": "]", "(": ")"}[token]
		a := cddlAlternative{bracket: token, group: c.groupUntil(closing)}
		c.need(closing)
		return a
	case strings.HasPrefix(token, "#6."):
		tag, err := strconv.ParseUint(token[3:], 10, 64)
		if err != nil {
			c.t.Fatal(err)
		}
		c.need("(")
		a := cddlAlternative{bracket: "#", tag: tag, group: c.groupUntil(")")}
		c.need(")")
		return a
	case strings.HasPrefix(token, `"`):
		return cddlAlternative{literal: strings.Trim(token, `"`)}
	case token[0] == '-' || token[0] >= '0' && token[0] <= '9':
		return cddlAlternative{literal: cddlNumber(c.t, token)}
	}
	a := cddlAlternative{name: token}
	// A generic's arguments stand without a space: sign1<...>.
	if c.peek() == "<" {
		for c.next(); ; {
			a.args = append(a.args, c.choice())
			if !c.take(",") {
				break
			}
		}
		c.need(">")
	}
	return a
}

func cddlNumber(t testing.TB, token string) any {
	if token[0] == '-' {
		n, err := strconv.ParseInt(token, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return negint(-1 - n)
	}
	n, err := strconv.ParseUint(token, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (c *cddl) groupUntil(closing string) cddlGroup {
	g := cddlGroup{nil}
	for c.peek() != closing {
		if c.take("//") {
			g = append(g, nil)
			continue
		}
		g[len(g)-1] = append(g[len(g)-1], c.entry())
		c.take(",")
	}
	return g
}

const cddlMany = 1 << 30

func (c *cddl) entry() cddlEntry {
	e := cddlEntry{low: 1, high: 1}
	switch {
	case c.take("?"):
		e.low = 0
	case c.take("*"):
		e.low, e.high = 0, cddlMany
	case c.take("+"):
		e.high = cddlMany
	case c.tokens[c.at+1] == "*":
		e.low = int(cddlNumber(c.t, c.next()).(uint64))
		c.next()
		e.high = int(cddlNumber(c.t, c.next()).(uint64))
	}
	if c.tokens[c.at+1] == ":" { // a name for the reader
		c.at += 2
	}
	e.value = c.choice()
	if c.take("=>") {
		e.key, e.value = e.value, c.choice()
	}
	return e
}

func (c *cddl) matches(b []byte, rule string) bool {
	v, ok := uprootWhole(b)
	return ok && c.match(v, cddlType{{name: rule}}, nil)
}

// cddlBlind are the faults that CDDL cannot state, by name of the vector.
var cddlBlind = []string{
	"kid of another author", "iss of another author", "to before from", "range ends before it begins",
	"name with a space", "name with a no-break space", "name with a plus", "name with a control character",
	"origin with a plus", "origin with a line feed", "signed by the second registrar", "a registrar twice", "an operator is a registrar",
	"a node's author key is an operator's", "two nodes with one cosigner key", "a jurisdiction twice with different rules", "a node placed where no rule is",
	"tag 18 in two bytes",
	"alg ES256 under an Ed25519 key", "media type of 256 bytes",
}

// TestCDDLAgrees: FORMAT.cddl matches what is accepted, as the right kind and no
// other, and does not match what is refused, but for rules it cannot state.
func TestCDDLAgrees(t *testing.T) {
	c := readCDDL(t)
	names := []string{"opening", "parts", "leaf", "certification", "content-author", "content-handle", "content-access", "content-erasure", "content-hold"}
	for _, kind := range Kinds() {
		names = append(names, kind.String())
	}
	needed := map[string]bool{}
	for _, name := range names {
		rule := name
		if _, err := ParseKind(name); err == nil {
			rule = name + "-statement"
		}
		file := readVectors(t, name)
		for _, v := range file.Accept {
			if !c.matches(unhex(t, v.Bytes), rule) {
				t.Errorf("%s: %s: not matched", name, v.Name)
			}
		}
		for _, v := range file.Refuse {
			if slices.Contains([]Code{CodeNotCanonical, CodeBadKey, CodeBadSignature, CodeBadCertification}, v.Code) || !c.matches(unhex(t, v.Bytes), rule) {
				continue
			}
			if needed[v.Name] = true; !slices.Contains(cddlBlind, v.Name) {
				t.Errorf("%s: %s (%s): matched", name, v.Name, v.Code)
			}
		}
	}
	for _, name := range cddlBlind {
		if !needed[name] {
			t.Errorf("%q is a fault that CDDL does state", name)
		}
	}
}

func TestCDDLMatchesRandomDrafts(t *testing.T) {
	c, chance := readCDDL(t), chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		for range 20 {
			d, key := chance.draft(t, kind)
			s := mustSign(t, d, key)
			for _, other := range Kinds() {
				if got := c.matches(s.Bytes(), other.String()+"-statement"); got != (other == kind) {
					t.Fatalf("%s matched as %s: %v\n%x", kind, other, got, s.Bytes())
				}
			}
			if !c.matches(s.Bytes(), "format") {
				t.Fatalf("%s is no format", kind)
			}
		}
	}
}

// TestCDDLAtTheLimits: where the parser's limits lie, the CDDL's lie too.
func TestCDDLAtTheLimits(t *testing.T) {
	c, chance := readCDDL(t), chance{seed.Rand(t)}
	for _, size := range []struct {
		bits     uint
		exponent int
	}{{MinRSABits, 3}, {MinRSABits, 65537}, {MaxRSABits, math.MaxInt32}} {
		n := new(big.Int).Lsh(big.NewInt(1), size.bits-1)
		spki, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n.Or(n, big.NewInt(1)), E: size.exponent})
		if err != nil {
			t.Fatal(err)
		}
		d, key := chance.draft(t, KindCA)
		d.Confirms, d.Body = nil, &CAChange{Action: 1, Key: spki}
		if s := mustSign(t, d, key); !c.matches(s.Bytes(), "ca-statement") {
			t.Errorf("an RSA key of %d bits with exponent %d is not matched", size.bits, size.exponent)
		}
	}
	for _, last := range []uint64{MaxPosition, MaxPosition + 1} {
		d, key := chance.draft(t, KindNode)
		d.Confirms, d.Body = nil, &NodeChange{Action: NodeRecovered, Node: chance.node(t, []string{"eu"}), Range: &[2]uint64{1, last}}
		pub := publicOf(t, key)
		payload, err := d.payload()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := signSign1(rand.Reader, key, pub, d.protected(pub.Algorithm(), pub.Author()), payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(raw); (err == nil) != c.matches(raw, "node-statement") {
			t.Errorf("a range that ends at %d: the parser says %v, the CDDL the opposite", last, err)
		}
	}
}
