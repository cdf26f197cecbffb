package entry

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"testing"
)

// The actors and identifiers of the vectors: every one is a hash of its name, so
// that the generator always makes the same bytes.

func vectorHash(name string) (h [32]byte) { return sha256.Sum256([]byte("indelible vector " + name)) }

func vectorID(name string) (id [16]byte) {
	h := vectorHash(name)
	copy(id[:], h[:])
	return id
}

func vectorEd25519(name string) ed25519.PrivateKey {
	seed := vectorHash("key " + name)
	return ed25519.NewKeyFromSeed(seed[:])
}

func vectorP256(name string) *ecdsa.PrivateKey {
	d := vectorHash("key " + name)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d[:])
	if err != nil {
		panic(err)
	}
	return key
}

// vectorTime is 2026-03-01T12:00:00.250Z.
const vectorTime = 1_772_366_400_250

type acceptCase struct {
	name  string
	draft Draft
	key   crypto.Signer
}

func ptr[T any](v T) *T { return &v }

func vectorNode(t testing.TB, name string) Node {
	n := Node{
		Name: name, AuthorKey: spkiOf(t, vectorEd25519(name+" author")), CosignerKey: spkiOf(t, vectorEd25519(name+" cosigner")),
		MLDSAKey: make([]byte, MLDSAKeySize), TLSKey: spkiOf(t, vectorP256(name+" tls")), Placement: []string{"eu", "us"},
	}
	for i := range n.MLDSAKey {
		n.MLDSAKey[i] = byte(i)
	}
	return n
}

func vectorGenesis(t testing.TB) *Genesis {
	return &Genesis{
		Origin: "log.example/indelible", LogKey: spkiOf(t, vectorEd25519("log")),
		Nodes:      []Node{vectorNode(t, "node-1.example")},
		Registrars: [][]byte{spkiOf(t, vectorP256("registrar 1")), spkiOf(t, vectorEd25519("registrar 2"))},
		Operators:  [][]byte{spkiOf(t, vectorP256("operator 1")), spkiOf(t, vectorP256("operator 2"))},
		Jurisdictions: []JurisdictionRule{
			{"eu", RegimeGDPR, 86_400_000, 0, 0, 31_536_000_000},
			{"us", RegimeHIPAA, 0, 189_216_000_000, 1, 2},
		},
	}
}

// vectorDraft is a draft with everything but its body.
func vectorDraft(kind Kind, name string, body Body) Draft {
	d := Draft{Kind: kind, Log: vectorHash("log"), IssuedAt: vectorTime, Request: ptr(RequestID(vectorID("request " + name))), Body: body}
	rule := kindRules[kind]
	if rule.handle == must {
		d.Sub = SubOfHandle(vectorID("handle"))
	}
	if kind.hasJurisdiction(d.Sub) {
		d.Jurisdiction = "eu"
	}
	if rule.seal == must {
		d.Parts = ptr(Hash(vectorHash("parts")))
	}
	return d
}

func sealedDraft(d Draft) Draft {
	d.Parts = ptr(Hash(vectorHash("parts")))
	return d
}

func confirming(kind Kind, name string) Draft {
	d := vectorDraft(kind, name, nil)
	d.Confirms = ptr(StatementID(vectorHash("first " + name)))
	return d
}

func deviceDraft(kind Kind, sub Sub, body Body) Draft {
	return Draft{
		Kind: kind, Log: vectorHash("log"), IssuedAt: vectorTime, Sub: sub, Jurisdiction: "eu", Boot: 1, Seq: 42,
		Prev: ptr(StatementID(vectorHash("prev"))), Parts: ptr(Hash(vectorHash("parts"))), Body: body,
	}
}

func acceptCases(t testing.TB, kind Kind) []acceptCase {
	registrar, node, officer := vectorP256("registrar 1"), vectorEd25519("node-1.example author"), vectorP256("officer")
	make := func(name string, body Body) Draft { return vectorDraft(kind, name, body) }
	switch kind {
	case KindGenesis:
		d := make("genesis", vectorGenesis(t))
		d.Log = LogID{}
		return []acceptCase{{"a log of one node, two registrars, two jurisdictions", d, registrar}}
	case KindAuthor:
		return authorCases(t, registrar)
	case KindCA:
		return []acceptCase{
			{"activate", make("ca", &CAChange{CAActivate, spkiOf(t, vectorP256("ca"))}), registrar},
			{"withdraw", make("ca withdraw", &CAChange{CAWithdraw, spkiOf(t, vectorEd25519("ca 2"))}), registrar},
			{"confirmation", confirming(kind, "ca"), vectorEd25519("registrar 2")},
		}
	case KindHandle:
		return []acceptCase{
			{"open", make("open", &HandleChange{ActionOpen, HandleSubject, vectorTime}), registrar},
			{"close", make("close", &HandleChange{ActionClose, 0, vectorTime}), registrar},
		}
	case KindBinding:
		open := BindingChange{ActionOpen, vectorID("binding"), vectorID("handle"), publicOf(t, vectorEd25519("device")).Author(), vectorTime, nil}
		until := open
		until.To = ptr(uint64(vectorTime))
		return []acceptCase{
			{"open", make("open", &open), registrar},
			{"open until", make("until", &until), registrar},
			{"close", make("close", &BindingChange{Action: ActionClose, Binding: open.Binding, To: until.To}), registrar},
		}
	case KindReading:
		first := deviceDraft(kind, SubOfBinding(vectorID("binding")), nil)
		first.Prev, first.Seen, first.Seq = nil, &Seen{7, vectorHash("root")}, 1
		return []acceptCase{
			{"under Ed25519", deviceDraft(kind, SubOfBinding(vectorID("binding")), nil), vectorEd25519("device")},
			{"under P-256, the key's first, with seen", first, vectorP256("device")},
		}
	}
	return moreAcceptCases(t, kind, node, officer)
}

func authorCases(t testing.TB, registrar crypto.Signer) []acceptCase {
	make := func(name string, body *AuthorChange) Draft { return vectorDraft(KindAuthor, name, body) }
	device := AuthorChange{Action: AuthorEnrol, Key: spkiOf(t, vectorEd25519("device")), Role: RoleDevice, Jurisdictions: []string{"eu", "us"}}
	enrol := sealedDraft(make("device", &device))
	enrol.Sub, enrol.Jurisdiction = SubOfHandle(vectorID("handle")), "eu"
	id := publicOf(t, vectorEd25519("device")).Author()
	revoke := make("revoke", &AuthorChange{Action: AuthorRevoke, Author: id, Upto: ptr(StatementID(vectorHash("upto")))})
	revoke.Sub, revoke.Jurisdiction = enrol.Sub, enrol.Jurisdiction
	return []acceptCase{
		{"enrol a device's binding key", enrol, registrar},
		{"enrol an officer", make("officer", &AuthorChange{Action: AuthorEnrol, Key: spkiOf(t, vectorP256("officer")), Role: RoleOfficer, Jurisdictions: []string{"eu"}}), registrar},
		{"suspend", make("suspend", &AuthorChange{Action: AuthorSuspend, Author: id}), registrar},
		{"revoke up to a statement", revoke, registrar},
		{"confirmation", confirming(KindAuthor, "officer"), vectorEd25519("registrar 2")},
	}
}

func moreAcceptCases(t testing.TB, kind Kind, node, officer crypto.Signer) []acceptCase {
	make := func(name string, body Body) Draft { return vectorDraft(kind, name, body) }
	request := StatementID(vectorHash("erasure request"))
	switch kind {
	case KindCorrection:
		body := &Correction{vectorHash("corrected")}
		service := make("correction", body)
		service.Sub = SubOfHandle(vectorID("handle"))
		return []acceptCase{
			{"by a device", deviceDraft(kind, SubOfBinding(vectorID("binding")), body), vectorEd25519("device")},
			{"by a service", service, vectorP256("service")},
		}
	case KindConsent:
		grant := Consent{ConsentGrant, []Purpose{PurposeTREAT, PurposeHRESCH}, RegimeGDPR, BasisExplicitConsent, vectorTime, ptr(uint64(vectorTime + 1)), vectorHash("document")}
		return []acceptCase{
			{"grant", sealedDraft(make("grant", &grant)), officer},
			{"withdraw", make("withdraw", &Consent{Action: ConsentWithdraw, Regime: RegimeHIPAA, Basis: BasisAuthorization, Document: vectorHash("document")}), officer},
		}
	case KindAccess:
		return []acceptCase{
			{"permitted read", make("read", &Access{vectorID("staff"), AccessRead, OutcomePermit, PurposeTREAT, ptr(Hash(vectorHash("bundle"))), 4711}), node},
			{"denied lookup without a bundle", make("lookup", &Access{vectorID("staff"), AccessLookup, OutcomeDeny, PurposeHLEGAL, nil, 1}), node},
		}
	case KindErasure:
		return []acceptCase{
			{"request", sealedDraft(make("request", &Erasure{Step: StepRequest, Scope: ScopeAll})), officer},
			{"approve", make("approve", &Erasure{Step: StepApprove, Request: request}), officer},
			{"executed", make("executed", &Erasure{Step: StepExecuted, Request: request, RootVersion: 300, Method: MethodOverwriteUnlink, Strength: StrengthBestEffort}), node},
			{"lost", make("lost", &Erasure{Step: StepLost, Request: request, Node: publicOf(t, node).Author()}), officer},
			{"complete", make("complete", &Erasure{Step: StepComplete, Request: request}), node},
		}
	case KindHold:
		return []acceptCase{
			{"set", sealedDraft(make("set", &Hold{Action: HoldSet})), officer},
			{"release", make("release", &Hold{HoldRelease, vectorHash("set")}), officer},
			{"confirmation", confirming(kind, "release"), vectorEd25519("officer 2")},
		}
	case KindPolicy:
		return []acceptCase{
			{"bundle", make("bundle", &PolicyChange{PolicyBundle, vectorHash("bundle"), RegimeGDPR}), officer},
			{"confirmation", confirming(kind, "bundle"), vectorEd25519("registrar 2")},
		}
	case KindIndex:
		return []acceptCase{{"seal", make("index", &IndexSeal{4096, vectorHash("map root")}), node}}
	case KindNode:
		return []acceptCase{
			{"recovered with a range in doubt", make("recovered", &NodeChange{NodeRecovered, vectorNode(t, "node-2.example"), &[2]uint64{100, 200}}), officer},
			{"added", make("added", &NodeChange{NodeAdded, vectorNode(t, "node-3.example"), nil}), officer},
			{"confirmation", confirming(kind, "added"), vectorP256("operator 2")},
		}
	}
	t.Fatalf("no vector of kind %s", kind)
	return nil
}
