package ledger

import "indelible/ledger/entry"

// indexSubject notes which handles an entry is about (FORMATS §5): its
// sub, the handle of the binding that is its sub, the handle of a binding it
// opens or closes. Consents and accessors have lists of their own.
func (t *tx) indexSubject(s *entry.Statement, index uint64) {
	id, ok := t.about(s)
	if !ok {
		return
	}
	h := t.handles.get(t, id)
	if h == nil {
		return // not there yet: this entry opens it, see effectHandle
	}
	t.set(numberKey(keyByHandle, h.no, index), nil)
	switch body := s.Body.(type) {
	case *entry.Consent:
		t.set(numberKey(keyConsent, h.no, index), nil)
	case *entry.Access:
		t.set(numberKey(keyByAccessor, t.handles.get(t, body.Accessor).no, index), nil)
	}
}

// about is the handle an accepted statement is about; ok is false without one.
func (t *tx) about(s *entry.Statement) (id entry.Handle, ok bool) {
	switch s.Sub.Type {
	case entry.SubHandle:
		return s.Sub.Handle(), true
	case entry.SubBinding:
		return t.bindings.get(t, s.Sub.Binding()).Handle, true
	}
	body, ok := s.Body.(*entry.BindingChange)
	switch {
	case !ok:
		return id, false
	case body.Action == entry.ActionOpen:
		return body.Handle, true
	}
	return t.bindings.get(t, body.Binding).Handle, true
}

// touchAuthor notes that an entry is by an author or names it.
func (t *tx) touchAuthor(a *Author, index uint64) {
	t.set(numberKey(keyByAuthor, a.no, index), nil)
}
