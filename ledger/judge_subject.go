package ledger

import "indelible/ledger/entry"

// subject returns the handle that a statement has as its sub, open or not, in
// the statement's jurisdiction.
func (t *tx) subject(s *entry.Statement) (*Handle, *entry.Refusal) {
	h, refusal := t.handle(s.Sub.Handle())
	if refusal != nil {
		return nil, refusal
	}
	return h, inJurisdiction(s, h.Jurisdiction)
}

func (t *tx) handle(id entry.Handle) (*Handle, *entry.Refusal) {
	h := t.handles.get(t, id)
	if h == nil {
		return nil, entry.Refuse(entry.CodeUnknownHandle, "no handle %s", id)
	}
	return h, nil
}

func (t *tx) openHandle(id entry.Handle) (*Handle, *entry.Refusal) {
	h, refusal := t.handle(id)
	if refusal == nil && !h.Open() {
		refusal = entry.Refuse(entry.CodeHandleClosed, "handle %s was closed at entry %d", id, h.Closed)
	}
	return h, refusal
}

// openHere is an open handle of the statement's jurisdiction.
func (t *tx) openHere(s *entry.Statement, id entry.Handle) (*Handle, *entry.Refusal) {
	h, refusal := t.openHandle(id)
	if refusal != nil {
		return nil, refusal
	}
	return h, inJurisdiction(s, h.Jurisdiction)
}

func (t *tx) binding(id entry.BindingID) (*Binding, *entry.Refusal) {
	b := t.bindings.get(t, id)
	if b == nil {
		return nil, entry.Refuse(entry.CodeUnknownBinding, "no binding %s", id)
	}
	return b, nil
}

func (t *tx) judgeHandle(s *entry.Statement, body *entry.HandleChange, author *Author) *entry.Refusal {
	id := s.Sub.Handle()
	if body.Action == entry.ActionOpen {
		if h := t.handles.get(t, id); h != nil {
			return entry.Refuse(entry.CodeHandleExists, "handle %s was opened at entry %d", id, h.Opened)
		}
		return mayClass(author, body.Class)
	}
	h, refusal := t.openHere(s, id)
	if refusal != nil {
		return refusal
	}
	return mayClass(author, h.Class)
}

// mayClass: a node opens and closes handles of staff, a registrar any.
func mayClass(author *Author, class entry.HandleClass) *entry.Refusal {
	if author.Role == entry.RoleNode && class != entry.HandleStaff {
		return entry.Refuse(entry.CodeRoleForbidden, "a node opens and closes handles of class staff only")
	}
	return nil
}

func (t *tx) judgeBinding(s *entry.Statement, body *entry.BindingChange) *entry.Refusal {
	if body.Action == entry.ActionOpen {
		if b := t.bindings.get(t, body.Binding); b != nil {
			return entry.Refuse(entry.CodeBindingExists, "binding %s was opened at entry %d", b.ID, b.Opened)
		}
		return t.judgeBindingOpen(s, body)
	}
	b, refusal := t.binding(body.Binding)
	if refusal != nil {
		return refusal
	}
	if b.Closed != 0 {
		return entry.Refuse(entry.CodeBindingClosed, "binding %s was closed at entry %d", b.ID, b.Closed)
	}
	return inJurisdiction(s, b.Jurisdiction)
}

// judgeBindingOpen: an open handle, and an active device that may write about it.
func (t *tx) judgeBindingOpen(s *entry.Statement, body *entry.BindingChange) *entry.Refusal {
	if _, refusal := t.openHere(s, body.Handle); refusal != nil {
		return refusal
	}
	device := t.authors.get(t, body.Author)
	switch {
	case device == nil:
		return entry.Refuse(entry.CodeUnknownAuthor, "author %s is not enrolled", body.Author)
	case device.Role != entry.RoleDevice:
		return entry.Refuse(entry.CodeWrongBinding, "author %s is not a device", device.ID)
	case device.State != AuthorActive:
		return entry.Refuse(entry.CodeWrongState, "device %s is %s", device.ID, device.State)
	case !device.Linkable && device.Handle != body.Handle:
		return entry.Refuse(entry.CodeWrongHandle, "device %s was enrolled under another handle", device.ID)
	}
	return nil
}

func (t *tx) judgeReading(s *entry.Statement) *entry.Refusal {
	b, refusal := t.binding(s.Sub.Binding())
	if refusal != nil {
		return refusal
	}
	if b.Author != s.Author {
		return entry.Refuse(entry.CodeWrongBinding, "binding %s is not for author %s", b.ID, s.Author)
	}
	return t.judgeBound(s, b)
}

func (t *tx) judgeBound(s *entry.Statement, b *Binding) *entry.Refusal {
	if refusal := inJurisdiction(s, b.Jurisdiction); refusal != nil {
		return refusal
	}
	if s.IssuedAt+clockTolerance < b.From {
		return entry.Refuse(entry.CodeBindingNotYet, "signed at %d, the binding begins at %d", s.IssuedAt, b.From)
	}
	if b.To == nil {
		return nil
	}
	if s.IssuedAt > *b.To {
		return entry.Refuse(entry.CodeBindingClosed, "signed at %d, the binding ended at %d", s.IssuedAt, *b.To)
	}
	if t.now > *b.To+arrivalWindow {
		return entry.Refuse(entry.CodeBindingClosed, "arrived at %d, the binding ended at %d", t.now, *b.To)
	}
	return nil
}

// judgeCorrection: a device corrects under its own bindings, a service under
// any binding or handle of its jurisdictions.
func (t *tx) judgeCorrection(s *entry.Statement, body *entry.Correction, author *Author) *entry.Refusal {
	var about entry.Handle
	if s.Sub.Type == entry.SubBinding {
		b, refusal := t.binding(s.Sub.Binding())
		if refusal != nil {
			return refusal
		}
		if author.Role == entry.RoleDevice && b.Author != author.ID {
			return entry.Refuse(entry.CodeWrongBinding, "binding %s is not for author %s", b.ID, author.ID)
		}
		if refusal := t.judgeBound(s, b); refusal != nil {
			return refusal
		}
		about = b.Handle
	} else {
		if author.Role == entry.RoleDevice {
			return entry.Refuse(entry.CodeWrongBinding, "a device corrects under its own bindings only")
		}
		h, refusal := t.subject(s)
		if refusal != nil {
			return refusal
		}
		about = h.ID
	}
	return t.judgeCorrected(body.Corrects, about)
}

// judgeCorrected: what is corrected is logged and about the same handle.
func (t *tx) judgeCorrected(id entry.StatementID, about entry.Handle) *entry.Refusal {
	p := t.sids.get(t, id)
	if p == nil {
		return entry.Refuse(entry.CodeUnknownStatement, "statement %s is not logged", id)
	}
	corrected := t.statement(p.index)
	of := corrected.Sub.Handle()
	switch corrected.Sub.Type {
	case entry.SubNone:
		return entry.Refuse(entry.CodeWrongHandle, "entry %d is about no handle", p.index)
	case entry.SubBinding:
		b, refusal := t.binding(corrected.Sub.Binding())
		if refusal != nil {
			return refusal
		}
		of = b.Handle
	}
	if of != about {
		return entry.Refuse(entry.CodeWrongHandle, "entry %d is about another handle", p.index)
	}
	return nil
}

func (t *tx) judgeAccess(s *entry.Statement, body *entry.Access) *entry.Refusal {
	if _, refusal := t.subject(s); refusal != nil {
		return refusal
	}
	accessor, refusal := t.openHandle(body.Accessor)
	switch {
	case refusal != nil:
		return refusal
	case accessor.Class != entry.HandleStaff:
		return entry.Refuse(entry.CodeWrongHandle, "the accessor handle %s is not of class staff", accessor.ID)
	case body.Position < 1 || body.Position > t.meta.size:
		return entry.Refuse(entry.CodeWrongPosition, "decided at size %d, the entry would get index %d", body.Position, t.meta.size)
	}
	return nil
}
