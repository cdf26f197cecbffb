package ledger

import (
	"bytes"
	"crypto/sha256"

	"indelible/ledger/entry"
)

func (t *tx) judgeAuthor(s *entry.Statement, body *entry.AuthorChange) *entry.Refusal {
	if body.Action == entry.AuthorEnrol {
		return t.judgeEnrol(s, body)
	}
	target := t.authors.get(t, body.Author)
	if target == nil {
		return entry.Refuse(entry.CodeUnknownAuthor, "author %s is not enrolled", body.Author)
	}
	if refusal := aboutKey(s, target); refusal != nil {
		return refusal
	}
	fits := false
	switch body.Action {
	case entry.AuthorSuspend:
		fits = target.State == AuthorActive
	case entry.AuthorResume:
		fits = target.State == AuthorSuspended
	case entry.AuthorRevoke:
		fits = target.State != AuthorRevoked
	}
	if !fits {
		return entry.Refuse(entry.CodeWrongState, "author %s is %s since entry %d", target.ID, target.State, target.Changed)
	}
	return nil
}

// aboutKey: what is said about a device key has the sub and jurisdiction of its
// enrolment, what is said about any other key has neither.
func aboutKey(s *entry.Statement, target *Author) *entry.Refusal {
	var want entry.Sub
	if target.Role == entry.RoleDevice {
		want = entry.SubOfHandle(target.Handle)
	}
	if s.Sub != want {
		return entry.Refuse(entry.CodeWrongHandle, "the statement has not the sub of the enrolment of author %s", target.ID)
	}
	return inJurisdiction(s, target.Jurisdiction)
}

func (t *tx) judgeEnrol(s *entry.Statement, body *entry.AuthorChange) *entry.Refusal {
	if refusal := t.newKey(body.Key); refusal != nil {
		return refusal
	}
	if refusal := t.placed(body.Jurisdictions); refusal != nil {
		return refusal
	}
	if body.Role != entry.RoleDevice {
		return nil
	}
	h, refusal := t.openHere(s, s.Sub.Handle())
	if refusal != nil {
		return refusal
	}
	class := entry.HandleSubject
	if body.Linkable {
		class = entry.HandleDevice
	}
	if h.Class != class {
		return entry.Refuse(entry.CodeWrongHandle, "a device key stands under a handle of class subject, a linkable one under a handle of class device")
	}
	return nil
}

func (t *tx) newKey(spki []byte) *entry.Refusal {
	if known := t.authors.get(t, sha256.Sum256(spki)); known != nil {
		return entry.Refuse(entry.CodeAlreadyEnrolled, "key %s is an author since entry %d", known.ID, known.Enrolled)
	}
	return nil
}

func (t *tx) placed(jurisdictions []string) *entry.Refusal {
	for _, j := range jurisdictions {
		if _, ok := t.l.genesis.rules[j]; !ok {
			return entry.Refuse(entry.CodeWrongJurisdiction, "the log has no such jurisdiction")
		}
	}
	return nil
}

func (t *tx) judgeCA(body *entry.CAChange) *entry.Refusal {
	ca := t.cas.get(t, caOf(body.Key))
	active := ca != nil && ca.Active
	if active == (body.Action == entry.CAActivate) {
		return entry.Refuse(entry.CodeCAState, "the CA key is already so")
	}
	return nil
}

func (t *tx) judgeNode(body *entry.NodeChange) *entry.Refusal {
	m := t.nodes.get(t, body.Node.Name)
	present := m != nil && m.present
	if present == (body.Action == entry.NodeAdded) {
		return entry.Refuse(entry.CodeWrongState, "a node is added if none of its name is there, and anything else if one is")
	}
	switch body.Action {
	case entry.NodeAdded:
		if refusal := t.newKey(body.Node.AuthorKey); refusal != nil {
			return refusal
		}
	case entry.NodeKeys:
		if m.author != sha256.Sum256(body.Node.AuthorKey) {
			if refusal := t.newKey(body.Node.AuthorKey); refusal != nil {
				return refusal
			}
		}
	default:
		return nil
	}
	if refusal := t.placed(body.Node.Placement); refusal != nil {
		return refusal
	}
	return t.ownKeys(&body.Node)
}

// ownKeys refuses a node that shares a key with another one: cosignatures count
// nodes, and a TLS key names one.
func (t *tx) ownKeys(n *entry.Node) *entry.Refusal {
	members := t.members()
	for _, m := range members {
		if m.name == n.Name {
			continue
		}
		other, err := nodeRecord(t.statement(m.record), m.name, m.record)
		if err != nil {
			t.fail(err)
		}
		if bytes.Equal(n.CosignerKey, other.CosignerKey) || bytes.Equal(n.MLDSAKey, other.MLDSAKey) || bytes.Equal(n.TLSKey, other.TLSKey) {
			return entry.Refuse(entry.CodeAlreadyEnrolled, "another node has the same cosigner or TLS key")
		}
	}
	return nil
}

// judgeConfirmation judges the second signature of a statement that needs two,
// and the first one again as a whole.
func (t *tx) judgeConfirmation(s *entry.Statement) *entry.Refusal {
	if t.l.genesis.single() {
		return entry.Refuse(entry.CodeNotConfirmable, "the log has a single authority: statements take effect at once")
	}
	p := t.sids.get(t, *s.Confirms)
	if p == nil {
		return entry.Refuse(entry.CodeUnknownStatement, "statement %s is not logged", s.Confirms)
	}
	pending := t.pending.get(t, *s.Confirms)
	if pending == nil {
		return entry.Refuse(entry.CodeNotConfirmable, "entry %d needs no second signature", p.index)
	}
	first := t.statement(p.index)
	switch {
	case first.Kind != s.Kind || first.Sub != s.Sub || first.Jurisdiction != s.Jurisdiction:
		return entry.Refuse(entry.CodeNotConfirmable, "entry %d is of another kind, sub or jurisdiction", p.index)
	case first.Author == s.Author:
		return entry.Refuse(entry.CodeSelfConfirmation, "entry %d is by the same author", p.index)
	case pending.Confirmed != nil:
		return entry.Refuse(entry.CodeAlreadyConfirmed, "entry %d was confirmed at entry %d", p.index, pending.Confirmed.Index)
	}
	return t.judgeAgain(first)
}

// judgeAgain judges a logged statement at the position of its confirmation: its
// author must still be active, and every rule of its kind must still hold.
func (t *tx) judgeAgain(first *entry.Statement) *entry.Refusal {
	author := t.authors.get(t, first.Author)
	if author.State != AuthorActive {
		return entry.Refuse(entry.CodeWrongState, "author %s, who signed first, is %s", author.ID, author.State)
	}
	return t.rules(first, author)
}
