package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"indelible/ledger"
	"indelible/ledger/entry"
)

const (
	minute = 60_000
	hour   = 60 * minute
	day    = 24 * hour
)

// reasons collects why a statement is refused.
type reasons []entry.Code

func (r *reasons) add(code entry.Code, when bool) {
	if when {
		*r = append(*r, code)
	}
}

func (o *oracle) judge(s *entry.Statement, sealedAt, commanded uint64) (r reasons, late bool) {
	r.add(entry.CodeWrongState, s.Kind == entry.KindGenesis)
	r.add(entry.CodeKindNotYet, s.Kind == entry.KindIndex)
	r.add(entry.CodeWrongLog, s.Log != o.id)
	r.add(entry.CodeClockAhead, s.IssuedAt > o.time+5*minute)
	r.add(entry.CodeNotSealed, s.Parts != nil && sealedAt == 0)
	r.add(entry.CodeSealUnexpected, s.Parts == nil && sealedAt != 0)
	r.add(entry.CodeSealExpired, s.Parts != nil && sealedAt != 0 && sealedAt+hour < commanded)
	if s.Seen != nil {
		wrong := s.Seen.Size > uint64(len(o.log))
		r.add(entry.CodeSeenMismatch, wrong || s.Seen.Root != entry.Hash(naiveRoot(o.hashes()[:s.Seen.Size])))
	}
	a := o.authors[s.Author]
	if a == nil {
		r.add(entry.CodeUnknownAuthor, true)
		return r, false
	}
	r.add(entry.CodeBadSignature, s.Verify(a.key) != nil)
	switch a.state {
	case ledger.AuthorSuspended:
		r.add(entry.CodeAuthorSuspended, true)
	case ledger.AuthorRevoked:
		late = true
		o.judgeRevoked(&r, s, a)
	}
	if a.role == entry.RoleDevice {
		r.add(entry.CodeBootTooFar, s.Boot > a.boot+1000)
		r.add(entry.CodeFieldMissing, s.Request != nil)
	} else {
		r.add(entry.CodeFieldMissing, s.Request == nil)
		r.add(entry.CodeRequestIDReused, s.Request != nil && o.requests[requestKey(s)])
	}
	o.judgeRules(&r, s, a)
	return r, late
}

// judgeRevoked walks from the statement vouched for, prev by prev, to the first
// that is not logged: only that one may come.
func (o *oracle) judgeRevoked(r *reasons, s *entry.Statement, a *oracleAuthor) {
	if a.upto == nil {
		r.add(entry.CodeAuthorRevoked, true)
		return
	}
	next := a.upto
	for next != nil {
		index, logged := o.ids[*next]
		if !logged {
			break
		}
		if o.log[index].s.Author != s.Author {
			next = nil
			break
		}
		next = o.log[index].s.Prev
		if next != nil {
			if at, ok := o.ids[*next]; ok && o.log[at].s.Author != s.Author {
				break // another author's statement: it will never come from this one
			}
		}
	}
	switch {
	case next == nil:
		r.add(entry.CodeAuthorRevoked, true)
	case *next != s.ID():
		r.add(entry.CodeAwaitingUpto, true)
	}
}

// judgeRules is what is judged again at a confirmation.
func (o *oracle) judgeRules(r *reasons, s *entry.Statement, a *oracleAuthor) {
	r.add(entry.CodeRoleForbidden, !o.maySign(s, a))
	if s.Jurisdiction != "" {
		_, exists := o.rules[s.Jurisdiction]
		r.add(entry.CodeWrongJurisdiction, !exists || !a.all && !slices.Contains(a.where, s.Jurisdiction))
	}
	if s.Confirms != nil {
		o.judgeConfirm(r, s)
		return
	}
	switch b := s.Body.(type) {
	case nil:
		if bound := o.judgeBinding(r, s); bound != nil {
			r.add(entry.CodeWrongBinding, bound.author != s.Author)
		}
	case *entry.AuthorChange:
		o.judgeAuthor(r, s, b)
	case *entry.CAChange:
		r.add(entry.CodeCAState, o.cas[string(b.Key)] == (b.Action == entry.CAActivate))
	case *entry.HandleChange:
		o.judgeHandle(r, s, b, a)
	case *entry.BindingChange:
		o.judgeBind(r, s, b)
	case *entry.Correction:
		o.judgeCorrection(r, s, b, a)
	case *entry.Consent:
		o.judgeSub(r, s)
	case *entry.Access:
		o.judgeSub(r, s)
		h := o.handles[b.Accessor]
		r.add(entry.CodeUnknownHandle, h == nil)
		r.add(entry.CodeHandleClosed, h != nil && !h.open)
		r.add(entry.CodeWrongHandle, h != nil && h.class != entry.HandleStaff)
		r.add(entry.CodeWrongPosition, b.Position < 1 || b.Position > uint64(len(o.log)))
	case *entry.Erasure:
		o.judgeErasure(r, s, b, a)
	case *entry.Hold:
		o.judgeHold(r, s, b)
	case *entry.NodeChange:
		o.judgeNode(r, b)
	}
}

func (o *oracle) maySign(s *entry.Statement, a *oracleAuthor) bool {
	in := func(roles ...entry.Role) bool { return slices.Contains(roles, a.role) }
	switch s.Kind {
	case entry.KindHandle:
		return in(entry.RoleRegistrar, entry.RoleNode)
	case entry.KindReading:
		return in(entry.RoleDevice)
	case entry.KindCorrection:
		return in(entry.RoleDevice, entry.RoleService)
	case entry.KindConsent:
		return in(entry.RoleConsentService, entry.RoleOfficer)
	case entry.KindAccess, entry.KindIndex:
		return in(entry.RoleNode)
	case entry.KindHold:
		return in(entry.RoleOfficer)
	case entry.KindNode:
		return in(entry.RoleOperator)
	case entry.KindErasure:
		switch s.Body.(*entry.Erasure).Step {
		case entry.StepExecuted, entry.StepComplete:
			return in(entry.RoleNode)
		}
		return in(entry.RoleOfficer)
	}
	return in(entry.RoleRegistrar)
}

func (o *oracle) judgeConfirm(r *reasons, s *entry.Statement) {
	index, logged := o.ids[*s.Confirms]
	if !logged {
		r.add(entry.CodeUnknownStatement, true)
		r.add(entry.CodeNotConfirmable, o.single)
		return
	}
	first := o.log[index].s
	done, waits := o.pending[*s.Confirms]
	r.add(entry.CodeNotConfirmable, o.single || !waits ||
		first.Kind != s.Kind || first.Sub != s.Sub || first.Jurisdiction != s.Jurisdiction)
	r.add(entry.CodeAlreadyConfirmed, done)
	r.add(entry.CodeSelfConfirmation, first.Author == s.Author)
	if waits {
		a := o.authors[first.Author]
		r.add(entry.CodeWrongState, a.state != ledger.AuthorActive)
		o.judgeRules(r, first, a)
	}
}

func (o *oracle) judgeSub(r *reasons, s *entry.Statement) {
	h := o.handles[s.Sub.Handle()]
	r.add(entry.CodeUnknownHandle, h == nil)
	r.add(entry.CodeWrongJurisdiction, h != nil && h.j != s.Jurisdiction)
}

func (o *oracle) judgeBinding(r *reasons, s *entry.Statement) *oracleBinding {
	b := o.bindings[s.Sub.Binding()]
	if b == nil {
		r.add(entry.CodeUnknownBinding, true)
		return nil
	}
	r.add(entry.CodeWrongJurisdiction, b.j != s.Jurisdiction)
	r.add(entry.CodeBindingNotYet, s.IssuedAt+5*minute < b.from)
	r.add(entry.CodeBindingClosed, b.to != nil && (s.IssuedAt > *b.to || o.time > *b.to+7*day))
	return b
}

func (o *oracle) judgeAuthor(r *reasons, s *entry.Statement, b *entry.AuthorChange) {
	if b.Action == entry.AuthorEnrol {
		r.add(entry.CodeAlreadyEnrolled, o.authors[sha256.Sum256(b.Key)] != nil)
		for _, j := range b.Jurisdictions {
			_, exists := o.rules[j]
			r.add(entry.CodeWrongJurisdiction, !exists)
		}
		if b.Role == entry.RoleDevice {
			o.judgeSub(r, s)
			h := o.handles[s.Sub.Handle()]
			r.add(entry.CodeHandleClosed, h != nil && !h.open)
			r.add(entry.CodeWrongHandle, h != nil && !(b.Linkable && h.class == entry.HandleDevice || !b.Linkable && h.class == entry.HandleSubject))
		}
		return
	}
	a := o.authors[b.Author]
	if a == nil {
		r.add(entry.CodeUnknownAuthor, true)
		return
	}
	want := entry.Sub{}
	if a.role == entry.RoleDevice {
		want = entry.SubOfHandle(a.handle)
	}
	r.add(entry.CodeWrongHandle, s.Sub != want)
	r.add(entry.CodeWrongJurisdiction, s.Jurisdiction != a.j)
	r.add(entry.CodeWrongState, b.Action == entry.AuthorSuspend && a.state != ledger.AuthorActive ||
		b.Action == entry.AuthorResume && a.state != ledger.AuthorSuspended ||
		b.Action == entry.AuthorRevoke && a.state == ledger.AuthorRevoked)
}

func (o *oracle) judgeHandle(r *reasons, s *entry.Statement, b *entry.HandleChange, a *oracleAuthor) {
	h := o.handles[s.Sub.Handle()]
	class := b.Class
	if b.Action == entry.ActionOpen {
		r.add(entry.CodeHandleExists, h != nil)
	} else {
		o.judgeSub(r, s)
		r.add(entry.CodeHandleClosed, h != nil && !h.open)
		if h != nil {
			class = h.class
		}
	}
	r.add(entry.CodeRoleForbidden, a.role == entry.RoleNode && class != entry.HandleStaff)
}

func (o *oracle) judgeBind(r *reasons, s *entry.Statement, b *entry.BindingChange) {
	old := o.bindings[b.Binding]
	if b.Action == entry.ActionClose {
		r.add(entry.CodeUnknownBinding, old == nil)
		r.add(entry.CodeBindingClosed, old != nil && old.closed)
		r.add(entry.CodeWrongJurisdiction, old != nil && old.j != s.Jurisdiction)
		return
	}
	r.add(entry.CodeBindingExists, old != nil)
	h := o.handles[b.Handle]
	r.add(entry.CodeUnknownHandle, h == nil)
	r.add(entry.CodeHandleClosed, h != nil && !h.open)
	r.add(entry.CodeWrongJurisdiction, h != nil && h.j != s.Jurisdiction)
	d := o.authors[b.Author]
	if d == nil {
		r.add(entry.CodeUnknownAuthor, true)
		return
	}
	r.add(entry.CodeWrongBinding, d.role != entry.RoleDevice)
	r.add(entry.CodeWrongState, d.state != ledger.AuthorActive)
	r.add(entry.CodeWrongHandle, d.role == entry.RoleDevice && !d.linkable && d.handle != b.Handle)
}

func (o *oracle) judgeCorrection(r *reasons, s *entry.Statement, b *entry.Correction, a *oracleAuthor) {
	about, known := s.Sub.Handle(), true
	if s.Sub.Type == entry.SubBinding {
		bound := o.judgeBinding(r, s)
		if known = bound != nil; known {
			r.add(entry.CodeWrongBinding, a.role == entry.RoleDevice && bound.author != s.Author)
			about = bound.handle
		}
	} else {
		r.add(entry.CodeWrongBinding, a.role == entry.RoleDevice)
		o.judgeSub(r, s)
	}
	index, logged := o.ids[b.Corrects]
	r.add(entry.CodeUnknownStatement, !logged)
	if !logged || !known {
		return
	}
	corrected := o.log[index].s.Sub
	of := corrected.Handle()
	if corrected.Type == entry.SubBinding {
		of = o.bindings[corrected.Binding()].handle
	}
	r.add(entry.CodeWrongHandle, corrected.Type == entry.SubNone || of != about)
}

func (o *oracle) judgeErasure(r *reasons, s *entry.Statement, b *entry.Erasure, a *oracleAuthor) {
	if b.Step == entry.StepRequest {
		return
	}
	e := o.erasures[b.Request]
	if e == nil {
		r.add(entry.CodeUnknownStatement, true)
		return
	}
	ended := e.cancelled || e.completed
	over := e.approved && o.time >= e.approvedAt+o.rules[e.j].Grace
	r.add(entry.CodeWrongJurisdiction, e.j != s.Jurisdiction)
	switch b.Step {
	case entry.StepApprove:
		r.add(entry.CodeWrongState, ended || e.approved)
		r.add(entry.CodeNotYourRequest, s.Author == e.requester)
	case entry.StepCancel:
		r.add(entry.CodeWrongState, ended)
		r.add(entry.CodeGraceOver, over || len(e.executed) > 0)
	case entry.StepExecuted:
		r.add(entry.CodeWrongState, !e.approved || e.cancelled || e.executed[a.node] || e.completed && !e.lost[a.node])
		r.add(entry.CodeGraceRunning, !over)
	case entry.StepLost:
		o.judgeLost(r, e, b, ended)
	case entry.StepComplete:
		r.add(entry.CodeWrongState, ended || !e.approved)
		r.add(entry.CodeGraceRunning, !over)
		for name, n := range o.nodes {
			placed := n.present && slices.Contains(n.record.Placement, e.j)
			r.add(entry.CodeWrongState, placed && !e.executed[name] && !e.lost[name])
		}
	}
}

func (o *oracle) judgeLost(r *reasons, e *oracleErasure, b *entry.Erasure, ended bool) {
	r.add(entry.CodeWrongState, ended || !e.approved)
	n := o.authors[b.Node]
	if n == nil {
		r.add(entry.CodeUnknownAuthor, true)
		return
	}
	r.add(entry.CodeWrongJurisdiction, n.role != entry.RoleNode || !slices.Contains(n.where, e.j))
	if n.role == entry.RoleNode {
		r.add(entry.CodeWrongState, e.executed[n.node] || e.lost[n.node])
		m := o.nodes[n.node]
		r.add(entry.CodeWrongState, !m.present || m.author != b.Node)
	}
}

func (o *oracle) judgeHold(r *reasons, s *entry.Statement, b *entry.Hold) {
	if b.Action == entry.HoldSet {
		return
	}
	h := o.holds[b.Set]
	r.add(entry.CodeUnknownStatement, h == nil)
	r.add(entry.CodeWrongJurisdiction, h != nil && h.j != s.Jurisdiction)
	r.add(entry.CodeWrongState, h != nil && h.released)
}

func (o *oracle) judgeNode(r *reasons, b *entry.NodeChange) {
	n := o.nodes[b.Node.Name]
	present := n != nil && n.present
	key := entry.AuthorID(sha256.Sum256(b.Node.AuthorKey))
	r.add(entry.CodeWrongState, present == (b.Action == entry.NodeAdded))
	if b.Action != entry.NodeAdded && b.Action != entry.NodeKeys {
		return
	}
	same := b.Action == entry.NodeKeys && present && n.author == key
	r.add(entry.CodeAlreadyEnrolled, !same && o.authors[key] != nil)
	for _, j := range b.Node.Placement {
		_, exists := o.rules[j]
		r.add(entry.CodeWrongJurisdiction, !exists)
	}
	for name, other := range o.nodes {
		if other.present && name != b.Node.Name {
			r.add(entry.CodeAlreadyEnrolled, bytes.Equal(other.record.CosignerKey, b.Node.CosignerKey) ||
				bytes.Equal(other.record.MLDSAKey, b.Node.MLDSAKey) || bytes.Equal(other.record.TLSKey, b.Node.TLSKey))
		}
	}
}
