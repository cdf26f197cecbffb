package entry

// AuthorChange enrols a key or changes the state of one.
type AuthorChange struct {
	Action AuthorAction

	// Of enrol.
	Key           []byte   // SubjectPublicKeyInfo, P-256 or Ed25519
	Role          Role     // never RoleNode: nodes come by genesis and node
	Jurisdictions []string // where the author may act
	Linkable      bool     // a device with one fixed key

	// Of suspend, resume and revoke.
	Author AuthorID
	Upto   *StatementID // of revoke: the newest statement vouched for
}

// Kind returns KindAuthor.
func (*AuthorChange) Kind() Kind { return KindAuthor }

func (a *AuthorChange) encode(m *mapWriter) {
	enrol := a.Action == AuthorEnrol
	m.uint(1, uint64(a.Action))
	if enrol || len(a.Key) > 0 {
		m.bytes(2, a.Key)
	}
	if enrol || a.Role != 0 {
		m.uint(3, uint64(a.Role))
	}
	if enrol || len(a.Jurisdictions) > 0 {
		m.key(4)
		m.body = appendSet(m.body, a.Jurisdictions, appendText)
	}
	if enrol || a.Linkable {
		m.key(5)
		m.body = appendBool(m.body, a.Linkable)
	}
	if !enrol || a.Author != (AuthorID{}) {
		m.bytes(6, a.Author[:])
	}
	if a.Upto != nil {
		m.bytes(7, a.Upto[:])
	}
}

func parseAuthor(w *walker, f *fields) Body {
	a := &AuthorChange{}
	f.need(1)
	a.Action = AuthorAction(w.code(&authorActionList))
	if a.Action != AuthorEnrol {
		f.need(6)
		w.fixed(a.Author[:])
		if a.Action == AuthorRevoke && f.has(7) {
			a.Upto = new(StatementID)
			w.fixed(a.Upto[:])
		}
		return a
	}
	f.need(2)
	a.Key = w.authorKey()
	f.need(3)
	a.Role = Role(w.code(&roleList))
	if a.Role == RoleNode {
		w.fail(CodeFieldInvalid, "nodes are added by genesis and node entries")
	}
	f.need(4)
	a.Jurisdictions = w.jurisdictions()
	f.need(5)
	a.Linkable = w.bool()
	if a.Linkable && a.Role != RoleDevice {
		w.fail(CodeFieldInvalid, "only a device can be linkable")
	}
	return a
}

// CAChange activates or withdraws a device CA key.
type CAChange struct {
	Action CAAction
	Key    []byte // SubjectPublicKeyInfo: P-256, P-384, Ed25519 or RSA of at least 2,048 bits
}

// Kind returns KindCA.
func (*CAChange) Kind() Kind { return KindCA }

func (c *CAChange) encode(m *mapWriter) {
	m.uint(1, uint64(c.Action))
	m.bytes(2, c.Key)
}

func parseCA(w *walker, f *fields) Body {
	c := &CAChange{}
	f.need(1)
	c.Action = CAAction(w.code(&caActionList))
	f.need(2)
	c.Key = w.caKey()
	return c
}

// HandleChange opens or closes the handle named by the statement's sub.
type HandleChange struct {
	Action OpenClose
	Class  HandleClass // of open
	At     uint64      // from or to, Unix milliseconds
}

// Kind returns KindHandle.
func (*HandleChange) Kind() Kind { return KindHandle }

func (h *HandleChange) encode(m *mapWriter) {
	m.uint(1, uint64(h.Action))
	if h.Action == ActionOpen || h.Class != 0 {
		m.uint(2, uint64(h.Class))
	}
	if h.Action == ActionOpen {
		m.uint(3, h.At)
		return
	}
	m.uint(4, h.At)
}

func parseHandleChange(w *walker, f *fields) Body {
	h := &HandleChange{}
	f.need(1)
	h.Action = OpenClose(w.code(&openCloseList))
	if h.Action == ActionClose {
		f.need(4)
		h.At = w.time()
		return h
	}
	f.need(2)
	h.Class = HandleClass(w.code(&handleClassList))
	f.need(3)
	h.At = w.time()
	return h
}

// BindingChange opens or closes a binding of a device key to a handle.
type BindingChange struct {
	Action  OpenClose
	Binding BindingID

	// Of open.
	Handle Handle
	Author AuthorID
	From   uint64 // Unix milliseconds

	To *uint64 // Unix milliseconds: may stand in open, must stand in close
}

// Kind returns KindBinding.
func (*BindingChange) Kind() Kind { return KindBinding }

func (c *BindingChange) encode(m *mapWriter) {
	open := c.Action == ActionOpen
	m.uint(1, uint64(c.Action))
	m.bytes(2, c.Binding[:])
	if open || c.Handle != (Handle{}) {
		m.bytes(3, c.Handle[:])
	}
	if open || c.Author != (AuthorID{}) {
		m.bytes(4, c.Author[:])
	}
	if open || c.From != 0 {
		m.uint(5, c.From)
	}
	if c.To != nil {
		m.uint(6, *c.To)
	}
}

func parseBinding(w *walker, f *fields) Body {
	c := &BindingChange{}
	f.need(1)
	c.Action = OpenClose(w.code(&openCloseList))
	f.need(2)
	w.fixed(c.Binding[:])
	if c.Action == ActionClose {
		f.need(6)
		to := w.time()
		c.To = &to
		return c
	}
	f.need(3)
	w.fixed(c.Handle[:])
	f.need(4)
	w.fixed(c.Author[:])
	f.need(5)
	c.From = w.time()
	if f.has(6) {
		c.To = w.until(c.From)
	}
	return c
}

// until reads the end of a period that begins at from.
func (w *walker) until(from uint64) *uint64 {
	to := w.time()
	if w.fault == nil && to < from {
		w.fail(CodeFieldInvalid, "a period ends before it begins")
	}
	return &to
}
