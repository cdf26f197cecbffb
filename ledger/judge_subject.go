package ledger

import "indelible/ledger/entry"

// subject returns the handle that a statement has as its sub, open or not, in
// the statement's jurisdiction.
func (t *tx) subject(s *entry.Statement) (*Handle, error) {
	h, err := t.handle(s.Sub.Handle())
	if err != nil {
		return nil, err
	}
	return h, inJurisdiction(s, h.Jurisdiction)
}

func (t *tx) handle(id entry.Handle) (*Handle, error) {
	h, err := t.handles.get(t, id)
	if err == nil && h == nil {
		err = entry.Refuse(entry.CodeUnknownHandle, "no handle %s", id)
	}
	return h, err
}

func (t *tx) openHandle(id entry.Handle) (*Handle, error) {
	h, err := t.handle(id)
	if err == nil && !h.Open() {
		err = entry.Refuse(entry.CodeHandleClosed, "handle %s was closed at entry %d", id, h.Closed)
	}
	return h, err
}

func (t *tx) binding(id entry.BindingID) (*Binding, error) {
	b, err := t.bindings.get(t, id)
	if err == nil && b == nil {
		err = entry.Refuse(entry.CodeUnknownBinding, "no binding %s", id)
	}
	return b, err
}

func (t *tx) judgeHandle(s *entry.Statement, body *entry.HandleChange, author *Author) error {
	id := s.Sub.Handle()
	h, err := t.handles.get(t, id)
	if err != nil {
		return err
	}
	if body.Action == entry.ActionOpen {
		if h != nil {
			return entry.Refuse(entry.CodeHandleExists, "handle %s was opened at entry %d", id, h.Opened)
		}
		return mayClass(author, body.Class)
	}
	if h, err = t.openHandle(id); err != nil {
		return err
	}
	if err := inJurisdiction(s, h.Jurisdiction); err != nil {
		return err
	}
	return mayClass(author, h.Class)
}

// mayClass: a node opens and closes handles of staff, a registrar any.
func mayClass(author *Author, class entry.HandleClass) error {
	if author.Role == entry.RoleNode && class != entry.HandleStaff {
		return entry.Refuse(entry.CodeRoleForbidden, "a node opens and closes handles of class staff only")
	}
	return nil
}

func (t *tx) judgeBinding(s *entry.Statement, body *entry.BindingChange) error {
	b, err := t.bindings.get(t, body.Binding)
	if err != nil {
		return err
	}
	if body.Action == entry.ActionOpen {
		if b != nil {
			return entry.Refuse(entry.CodeBindingExists, "binding %s was opened at entry %d", b.ID, b.Opened)
		}
		return t.judgeBindingOpen(s, body)
	}
	if b, err = t.binding(body.Binding); err != nil {
		return err
	}
	if b.Closed != 0 {
		return entry.Refuse(entry.CodeBindingClosed, "binding %s was closed at entry %d", b.ID, b.Closed)
	}
	return inJurisdiction(s, b.Jurisdiction)
}

// judgeBindingOpen: an open handle, and an active device that may write about it.
func (t *tx) judgeBindingOpen(s *entry.Statement, body *entry.BindingChange) error {
	h, err := t.openHandle(body.Handle)
	if err != nil {
		return err
	}
	if err := inJurisdiction(s, h.Jurisdiction); err != nil {
		return err
	}
	device, err := t.authors.get(t, body.Author)
	switch {
	case err != nil:
		return err
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

func (t *tx) judgeReading(s *entry.Statement) error {
	b, err := t.binding(s.Sub.Binding())
	if err != nil {
		return err
	}
	if b.Author != s.Author {
		return entry.Refuse(entry.CodeWrongBinding, "binding %s is not for author %s", b.ID, s.Author)
	}
	return t.judgeBound(s, b)
}

// judgeBound judges jurisdiction and times of a statement under a binding.
func (t *tx) judgeBound(s *entry.Statement, b *Binding) error {
	if err := inJurisdiction(s, b.Jurisdiction); err != nil {
		return err
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
func (t *tx) judgeCorrection(s *entry.Statement, body *entry.Correction, author *Author) error {
	var about entry.Handle
	if s.Sub.Type == entry.SubBinding {
		b, err := t.binding(s.Sub.Binding())
		if err != nil {
			return err
		}
		if author.Role == entry.RoleDevice && b.Author != author.ID {
			return entry.Refuse(entry.CodeWrongBinding, "binding %s is not for author %s", b.ID, author.ID)
		}
		if err := t.judgeBound(s, b); err != nil {
			return err
		}
		about = b.Handle
	} else {
		if author.Role == entry.RoleDevice {
			return entry.Refuse(entry.CodeWrongBinding, "a device corrects under its own bindings only")
		}
		h, err := t.subject(s)
		if err != nil {
			return err
		}
		about = h.ID
	}
	return t.judgeCorrected(body.Corrects, about)
}

// judgeCorrected: what is corrected is logged and about the same handle.
func (t *tx) judgeCorrected(id entry.StatementID, about entry.Handle) error {
	p, err := t.sids.get(t, id)
	if err != nil {
		return err
	}
	if p == nil {
		return entry.Refuse(entry.CodeUnknownStatement, "statement %s is not logged", id)
	}
	corrected, err := t.statement(p.index)
	if err != nil {
		return err
	}
	of := corrected.Sub.Handle()
	switch corrected.Sub.Type {
	case entry.SubNone:
		return entry.Refuse(entry.CodeWrongHandle, "entry %d is about no handle", p.index)
	case entry.SubBinding:
		b, err := t.binding(corrected.Sub.Binding())
		if err != nil {
			return err
		}
		of = b.Handle
	}
	if of != about {
		return entry.Refuse(entry.CodeWrongHandle, "entry %d is about another handle", p.index)
	}
	return nil
}

func (t *tx) judgeAccess(s *entry.Statement, body *entry.Access) error {
	if _, err := t.subject(s); err != nil {
		return err
	}
	accessor, err := t.openHandle(body.Accessor)
	switch {
	case err != nil:
		return err
	case accessor.Class != entry.HandleStaff:
		return entry.Refuse(entry.CodeWrongHandle, "the accessor handle %s is not of class staff", accessor.ID)
	case body.Position < 1 || body.Position > t.meta.size:
		return entry.Refuse(entry.CodeWrongPosition, "decided at size %d, the entry would get index %d", body.Position, t.meta.size)
	}
	return nil
}
