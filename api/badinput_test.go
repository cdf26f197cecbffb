package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// cose is the envelope of a statement, taken apart by another library.
type cose struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int]any
	Payload     []byte
	Signature   []byte
}

// recut takes a statement apart, lets change alter headers and payload, and
// signs what comes out with the person's key.
func (p *person) recut(statement []byte, change func(headers map[any]any, payload *[]byte)) []byte {
	t := p.site.t
	t.Helper()
	var c cose
	var tagged cbor.RawTag
	must(t, cbor.Unmarshal(statement, &tagged))
	must(t, cbor.Unmarshal(tagged.Content, &c))
	headers := map[any]any{}
	must(t, cbor.Unmarshal(c.Protected, &headers))
	change(headers, &c.Payload)
	mode, err := cbor.CoreDetEncOptions().EncMode()
	must(t, err)
	c.Protected, err = mode.Marshal(headers)
	must(t, err)
	tbs, err := mode.Marshal([]any{"Signature1", c.Protected, []byte{}, c.Payload})
	must(t, err)
	digest := sha256.Sum256(tbs)
	r, s, err := ecdsa.Sign(rand.Reader, p.key, digest[:])
	must(t, err)
	n := p.key.Params().N
	if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		s.Sub(n, s)
	}
	c.Signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	if c.Unprotected == nil {
		c.Unprotected = map[int]any{}
	}
	out, err := mode.Marshal(cbor.Tag{Number: 18, Content: c})
	must(t, err)
	return out
}

// claimsOf is the CWT claims map of taken-apart headers.
func claimsOf(headers map[any]any) map[any]any { return headers[uint64(15)].(map[any]any) }

// badInput is one thing a hostile or broken client may hand in.
type badInput struct {
	name string
	code entry.Code
	send func() []*indeliblev1.Outcome
}

// refusedAlone hands one submission in as the ingest service.
func (s *site) refusedAlone(in *indeliblev1.Submission) func() []*indeliblev1.Outcome {
	return func() []*indeliblev1.Outcome { return s.append(home, in) }
}

// changedReading is a reading of the device after a change to its headers. It
// does not use up a number of the device.
func (d *device) changedReading(change func(headers map[any]any, payload *[]byte)) *indeliblev1.Submission {
	before, prev := d.seq, d.prev
	_, in := d.reading()
	d.seq, d.prev = before, prev
	in.Statement = d.recut(in.GetStatement(), change)
	return in
}

func (d *device) plainReading() *indeliblev1.Submission {
	return d.changedReading(func(map[any]any, *[]byte) {})
}

func badEncodings(s *site, d *device) []badInput {
	whole := d.plainReading().GetStatement()
	protected := bytes.Index(whole, []byte{0xd2, 0x84, 0x59}) // a length of two bytes
	alter := func(statement []byte) *indeliblev1.Submission {
		in := d.plainReading()
		in.Statement = statement
		return in
	}
	longLength := append([]byte{0xd2, 0x84, 0x5a, 0, 0}, whole[3:]...)
	if protected != 0 {
		longLength = append([]byte{0xd2, 0x84, 0x59, 0}, whole[3:]...)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	return []badInput{
		{"oversized", entry.CodeTooLarge, s.refusedAlone(alter(bytes.Repeat([]byte{0xd2}, entry.MaxStatement+1)))},
		{"empty", entry.CodeMalformed, s.refusedAlone(alter(nil))},
		{"truncated", entry.CodeMalformed, s.refusedAlone(alter(whole[:len(whole)-7]))},
		{"trailing byte", entry.CodeMalformed, s.refusedAlone(alter(append(bytes.Clone(whole), 0)))},
		{"not canonical", entry.CodeNotCanonical, s.refusedAlone(alter(longLength))},
		{"wrong signature", entry.CodeBadSignature, s.refusedAlone(alter(flipped))},
		{"wrong algorithm", entry.CodeWrongAlgorithm, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) { h[uint64(1)] = int64(-35) }))},
		{"algorithm of another key", entry.CodeWrongAlgorithm, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) { h[uint64(1)] = int64(-8) }))},
		{"unknown label", entry.CodeUnknownLabel, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) { h[uint64(5)] = []byte("canary") }))},
		{"crit", entry.CodeCritRefused, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) { h[uint64(2)] = []any{uint64(1)} }))},
		{"wrong aud", entry.CodeWrongLog, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) {
			claimsOf(h)[uint64(3)] = "urn:indelible:log:" + entry.LogID{7}.String()
		}))},
		{"clock ahead", entry.CodeClockAhead, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) {
			claimsOf(h)[uint64(6)] = nowMillis()/1000 + 3600
		}))},
		{"boot too far", entry.CodeBootTooFar, s.refusedAlone(d.changedReading(func(h map[any]any, _ *[]byte) {
			claimsOf(h)[int64(-70004)] = uint64(5000)
		}))},
	}
}

func badOpenings(s *site, d *device) []badInput {
	with := func(openings func(in *indeliblev1.Submission) []*indeliblev1.Opening) func() []*indeliblev1.Outcome {
		in := d.plainReading()
		in.Openings = openings(in)
		return s.refusedAlone(in)
	}
	return []badInput{
		{"without openings", entry.CodeNotSealed, with(func(*indeliblev1.Submission) []*indeliblev1.Opening { return nil })},
		{"openings of another reading", entry.CodeCommitmentMismatch, with(func(*indeliblev1.Submission) []*indeliblev1.Opening {
			return d.plainReading().GetOpenings()
		})},
		{"half of the openings", entry.CodeCommitmentMismatch, with(func(in *indeliblev1.Submission) []*indeliblev1.Opening {
			return in.GetOpenings()[:1]
		})},
		{"a part twice", entry.CodeSealUnexpected, with(func(in *indeliblev1.Submission) []*indeliblev1.Opening {
			return append(in.GetOpenings(), in.GetOpenings()[0])
		})},
		{"an opening that is none", entry.CodeCommitmentMismatch, with(func(in *indeliblev1.Submission) []*indeliblev1.Opening {
			in.GetOpenings()[0].Opening = []byte("canary")
			return in.GetOpenings()
		})},
	}
}

func badOrigins(s *site, d, other, foreign *device) []badInput {
	far := s.patient(second)
	stranger := s.newDevice(d.handle, home)
	stranger.binding = d.binding
	abroadReading := func() *indeliblev1.Submission {
		d2 := *d
		d2.jurisdiction = second
		_, in := d2.reading()
		return in
	}
	misbound := *d
	misbound.binding = other.binding
	unbound := *d
	unbound.binding = entry.BindingID{9}
	of := func(d *device) func() []*indeliblev1.Outcome { return s.refusedAlone(d.plainReading()) }
	return []badInput{
		{"unknown author", entry.CodeUnknownAuthor, of(stranger)},
		{"wrong binding", entry.CodeWrongBinding, of(&misbound)},
		{"unknown binding", entry.CodeUnknownBinding, of(&unbound)},
		{"a reading of elsewhere under this call's jurisdiction", entry.CodeWrongJurisdiction, s.elsewhere(far)},
		{"another jurisdiction than the call's", entry.CodeWrongJurisdiction, s.refusedAlone(abroadReading())},
		{"a kind of another RPC", wire.CodeKindNotHere, s.refusedAlone(&indeliblev1.Submission{
			Statement: s.people["registrar"].sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
				Action: entry.AuthorSuspend, Author: d.id}}).Bytes()})},
		{"a kind of another role", wire.CodeCallerForbidden, s.refusedAlone(&indeliblev1.Submission{
			Statement: d.bindingStatement(s.people["registrar"]).Bytes()})},
		{"double enrolment", entry.CodeAlreadyEnrolled, s.refusedEnrolment(d.enrolment(s.people["registrar"]))},
		{"foreign CA", entry.CodeForeignCA, s.refusedEnrolment(foreign.enrolment(s.people["registrar"]))},
		{"small-order key", entry.CodeBadKey, s.refusedEnrolment(smallOrder(s, d))},
		{"somebody else's statement", wire.CodeSignerForbidden, s.refusedEnrolment(foreign.enrolment(s.people["operator"]))},
	}
}

// elsewhere hands in a reading that is sound in its own jurisdiction under the
// name of another: it must not come to lie in that one's vault. The edge says so
// before the vault is asked.
func (s *site) elsewhere(far *device) func() []*indeliblev1.Outcome {
	return func() []*indeliblev1.Outcome {
		out := s.append(home, far.plainReading())
		if text := out[0].GetRefusal().GetText(); !strings.Contains(text, "than the call names") {
			s.t.Errorf("not refused by the edge: %s", text)
		}
		return out
	}
}

func (s *site) refusedEnrolment(in *indeliblev1.Submission) func() []*indeliblev1.Outcome {
	return func() []*indeliblev1.Outcome { return s.appendAs("registrar", home, in) }
}

// smallOrder enrols an Ed25519 key of small order: any signature verifies under
// it for some messages, so it could sign for anybody.
func smallOrder(s *site, d *device) *indeliblev1.Submission {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(s.t, err)
	raw := []byte(key.Public().(ed25519.PublicKey))
	registrar := s.people["registrar"]
	sealed, digest := openings(s.t, cborPart(s.t, entry.ClassIdentity, entry.AuthorIdentity{Chain: d.chain, Certification: []byte{1}}))
	statement := registrar.sign(entry.Draft{
		Kind: entry.KindAuthor, Sub: entry.SubOfHandle(d.handle), Jurisdiction: home, Parts: digest,
		Body: &entry.AuthorChange{Action: entry.AuthorEnrol, Key: spki(s.t, key.Public()), Role: entry.RoleDevice, Jurisdictions: []string{home}},
	})
	identity := append([]byte{1}, make([]byte, 31)...) // the neutral element
	return &indeliblev1.Submission{Openings: sealed, Statement: registrar.recut(statement.Bytes(), func(_ map[any]any, payload *[]byte) {
		*payload = bytes.Replace(*payload, raw, identity, 1)
	})}
}

// TestBadInput: each fault has its code, is counted, changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d, other := s.patient(home), s.patient(home)
	foreign := s.newDevice(d.handle, home)
	alien := newAuthority(t, "alien")
	foreign.chain = [][]byte{alien.issue(t, "device", foreign.identity).Raw, alien.cert.Raw}

	cases := append(badEncodings(s, d), badOpenings(s, d)...)
	cases = append(cases, badOrigins(s, d, other, foreign)...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			size, state := s.log.StateHash()
			counted := s.counted("refusals_total", string(c.code))
			o := c.send()[0]
			if o.GetStatus() != indeliblev1.Outcome_STATUS_REFUSED || o.GetRefusal().GetCode() != string(c.code) {
				t.Fatalf("got %s %s (%s), expected %s", o.GetStatus(), o.GetRefusal().GetCode(), o.GetRefusal().GetText(), c.code)
			}
			if o.GetRefusal().GetText() == "" || o.GetRefusal().GetNext() == "" || len(o.GetReceipt()) > 0 {
				t.Fatalf("the refusal is not complete: %v", o)
			}
			if after, stateAfter := s.log.StateHash(); after != size || stateAfter != state {
				t.Fatalf("the log changed: %d entries became %d", size, after)
			}
			if now := s.counted("refusals_total", string(c.code)); now != counted+1 {
				t.Fatalf("counted %v times", now-counted)
			}
		})
	}
	// After all that the device goes on as if nothing had been.
	statement, in := d.reading()
	s.accepted(s.append(home, in)[0], statement)
	if n := s.counted("panics_total") + s.counted("incidents_total"); n != 0 {
		t.Fatalf("%v panics and incidents", n)
	}
}
