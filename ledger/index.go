package ledger

import "indelible/ledger/entry"

// indexSubject notes which handles an entry is about (FORMATS §5): its
// sub, the handle of the binding that is its sub, the handle of a binding it
// opens or closes. Consents and accessors have lists of their own.
func (t *tx) indexSubject(s *entry.Statement, index uint64) error {
	id, ok, err := t.about(s)
	if err != nil || !ok {
		return err
	}
	h, err := t.handles.get(t, id)
	if err != nil || h == nil {
		return err // not there yet: this entry opens it, see effectHandle
	}
	if err := t.set(numberKey(keyByHandle, h.no, index), nil); err != nil {
		return err
	}
	switch body := s.Body.(type) {
	case *entry.Consent:
		return t.set(numberKey(keyConsent, h.no, index), nil)
	case *entry.Access:
		accessor, err := t.handles.get(t, body.Accessor)
		if err != nil {
			return err
		}
		return t.set(numberKey(keyByAccessor, accessor.no, index), nil)
	}
	return nil
}

// about is the handle an accepted statement is about; ok is false without one.
func (t *tx) about(s *entry.Statement) (id entry.Handle, ok bool, err error) {
	switch s.Sub.Type {
	case entry.SubHandle:
		return s.Sub.Handle(), true, nil
	case entry.SubBinding:
		return t.boundTo(s.Sub.Binding())
	}
	body, ok := s.Body.(*entry.BindingChange)
	switch {
	case !ok:
		return id, false, nil
	case body.Action == entry.ActionOpen:
		return body.Handle, true, nil
	}
	return t.boundTo(body.Binding)
}

func (t *tx) boundTo(id entry.BindingID) (entry.Handle, bool, error) {
	b, err := t.bindings.get(t, id)
	if err != nil {
		return entry.Handle{}, false, err
	}
	return b.Handle, true, nil
}

// touchAuthor notes that an entry is by an author or names it.
func (t *tx) touchAuthor(a *Author, index uint64) error {
	return t.set(numberKey(keyByAuthor, a.no, index), nil)
}
