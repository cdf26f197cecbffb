package entry

// AuthorChange enrols a key or changes the state of one (FORMATS §3.4). The sub is
// the handle of a device key; a key that is not a device's has none.
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

func (a *AuthorChange) fields(f *form) {
	codeAt(f, 1, must, &a.Action, &authorActionList)
	enrol := mustIf(a.Action == AuthorEnrol)
	if f.at(2, enrol, len(a.Key) > 0) {
		f.authorKey(&a.Key)
	}
	codeAt(f, 3, enrol, &a.Role, &roleList)
	if f.m == nil && a.Role == RoleNode {
		f.w.fail(CodeFieldInvalid, "nodes are added by genesis and node entries")
	}
	if f.at(4, enrol, len(a.Jurisdictions) > 0) {
		setOf(f, &a.Jurisdictions, (*form).jurisdiction)
	}
	if f.at(5, enrol, a.Linkable) {
		f.bool(&a.Linkable)
	}
	if f.m == nil && a.Linkable && a.Role != RoleDevice {
		f.w.fail(CodeFieldInvalid, "only a device can be linkable")
	}
	f.fixedAt(6, mustIf(a.Action != AuthorEnrol), a.Author[:])
	if f.at(7, mayIf(a.Action == AuthorRevoke), a.Upto != nil) {
		f.fixed(allocate(f, &a.Upto)[:])
	}
}

// CAChange activates or withdraws a device CA key.
type CAChange struct {
	Action CAAction
	Key    []byte // SubjectPublicKeyInfo: P-256, P-384, Ed25519 or RSA of at least 2,048 bits
}

func (c *CAChange) fields(f *form) {
	codeAt(f, 1, must, &c.Action, &caActionList)
	if f.at(2, must, true) {
		f.bytes(&c.Key, (*walker).caKey)
	}
}

// HandleChange opens or closes the handle named by the statement's sub.
type HandleChange struct {
	Action OpenClose
	Class  HandleClass // of open
	At     uint64      // from or to, Unix milliseconds
}

func (h *HandleChange) fields(f *form) {
	codeAt(f, 1, must, &h.Action, &openCloseList)
	codeAt(f, 2, mustIf(h.Action == ActionOpen), &h.Class, &handleClassList)
	at := int64(3)
	if h.Action != ActionOpen {
		at = 4
	}
	f.timeAt(at, must, &h.At)
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

func (c *BindingChange) fields(f *form) {
	codeAt(f, 1, must, &c.Action, &openCloseList)
	f.fixedAt(2, must, c.Binding[:])
	open, to := must, may
	if c.Action == ActionClose {
		open, to = never, must
	}
	f.fixedAt(3, open, c.Handle[:])
	f.fixedAt(4, open, c.Author[:])
	f.timeAt(5, open, &c.From)
	f.untilAt(6, to, c.From, &c.To)
}
