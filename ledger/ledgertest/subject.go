package ledgertest

import "indelible/ledger/entry"

// Device is a device with the state it keeps: where its sequence stands.
type Device struct {
	Key       *Key
	Boot, Seq uint64             // of its newest statement
	Prev      *entry.StatementID // its newest statement
}

// Subject is a person with a handle, a device and a binding between them.
type Subject struct {
	Jurisdiction string
	Handle       entry.Handle
	Device       *Device
	Binding      entry.BindingID
}

// OpenHandle signs the opening of a handle by the first registrar.
func (w *World) OpenHandle(class entry.HandleClass, jurisdiction string) (entry.Handle, *entry.Statement) {
	w.tb.Helper()
	return w.OpenHandleBy(w.Registrars[0], class, jurisdiction)
}

// OpenHandleBy signs the opening of a handle by any author.
func (w *World) OpenHandleBy(k *Key, class entry.HandleClass, jurisdiction string) (entry.Handle, *entry.Statement) {
	w.tb.Helper()
	h, parts := entry.Handle(w.ID()), w.Hash()
	return h, w.Sign(k, entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: jurisdiction, Parts: &parts,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: class, At: w.Now},
	})
}

// CloseHandle signs the closing of a handle.
func (w *World) CloseHandle(h entry.Handle, jurisdiction string) *entry.Statement {
	w.tb.Helper()
	parts := w.Hash()
	return w.Sign(w.Registrars[0], entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: jurisdiction, Parts: &parts,
		Body: &entry.HandleChange{Action: entry.ActionClose, At: w.Now},
	})
}

// EnrolDevice signs the enrolment of a new device key under a handle.
func (w *World) EnrolDevice(h entry.Handle, jurisdiction string, linkable bool) (*Device, *entry.Statement) {
	w.tb.Helper()
	d, parts := &Device{Key: w.DeviceKey(), Boot: 1}, w.Hash()
	return d, w.Sign(w.Registrars[0], entry.Draft{
		Kind: entry.KindAuthor, Sub: entry.SubOfHandle(h), Jurisdiction: jurisdiction, Parts: &parts,
		Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: d.Key.SPKI(), Role: entry.RoleDevice,
			Jurisdictions: []string{jurisdiction}, Linkable: linkable,
		},
	})
}

// Bind signs the opening of a binding, from now on, without end.
func (w *World) Bind(d *Device, h entry.Handle, jurisdiction string) (entry.BindingID, *entry.Statement) {
	w.tb.Helper()
	id := entry.BindingID(w.ID())
	return id, w.Sign(w.Registrars[0], entry.Draft{
		Kind: entry.KindBinding, Jurisdiction: jurisdiction,
		Body: &entry.BindingChange{Action: entry.ActionOpen, Binding: id, Handle: h, Author: d.Key.ID(), From: w.Now},
	})
}

// Unbind signs the closing of a binding as of a time.
func (w *World) Unbind(id entry.BindingID, jurisdiction string, to uint64) *entry.Statement {
	w.tb.Helper()
	return w.Sign(w.Registrars[0], entry.Draft{
		Kind: entry.KindBinding, Jurisdiction: jurisdiction,
		Body: &entry.BindingChange{Action: entry.ActionClose, Binding: id, To: &to},
	})
}

// Subject signs what makes a subject with a device: handle, author, binding.
func (w *World) Subject(jurisdiction string) (*Subject, []*entry.Statement) {
	w.tb.Helper()
	s := &Subject{Jurisdiction: jurisdiction}
	var open, enrol, bind *entry.Statement
	s.Handle, open = w.OpenHandle(entry.HandleSubject, jurisdiction)
	s.Device, enrol = w.EnrolDevice(s.Handle, jurisdiction, false)
	s.Binding, bind = w.Bind(s.Device, s.Handle, jurisdiction)
	return s, []*entry.Statement{open, enrol, bind}
}

// Next is the draft of the device's next statement: number and prev are set, and
// the device moves on.
func (d *Device) Next(draft entry.Draft) entry.Draft {
	d.Seq++
	draft.Boot, draft.Seq, draft.Prev = d.Boot, d.Seq, d.Prev
	return draft
}

// Reading signs the subject's device's next reading, of parts drawn at random.
func (w *World) Reading(s *Subject) *entry.Statement {
	w.tb.Helper()
	return w.ReadingOf(s, w.Hash())
}

// ReadingOf signs the subject's device's next reading, of the given parts.
func (w *World) ReadingOf(s *Subject, parts entry.Hash) *entry.Statement {
	w.tb.Helper()
	r := w.Sign(s.Device.Key, s.Device.Next(entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(s.Binding), Jurisdiction: s.Jurisdiction, Parts: &parts,
	}))
	id := r.ID()
	s.Device.Prev = &id
	return r
}

// Access signs an access entry of a node: the accessor read about the subject.
func (w *World) Access(n *Node, subject, accessor entry.Handle, jurisdiction string, position uint64) *entry.Statement {
	w.tb.Helper()
	parts := w.Hash()
	return w.Sign(n.Author, entry.Draft{
		Kind: entry.KindAccess, Sub: entry.SubOfHandle(subject), Jurisdiction: jurisdiction, Parts: &parts,
		Body: &entry.Access{
			Accessor: accessor, Action: entry.AccessRead, Outcome: entry.OutcomePermit, Purpose: entry.PurposeTREAT, Position: position,
		},
	})
}

// Erasure signs a step of an erasure; a request with parts drawn at random.
func (w *World) Erasure(k *Key, jurisdiction string, step *entry.Erasure) *entry.Statement {
	w.tb.Helper()
	d := entry.Draft{Kind: entry.KindErasure, Jurisdiction: jurisdiction, Body: step}
	if step.Step == entry.StepRequest {
		parts := w.Hash()
		d.Parts = &parts
	}
	return w.Sign(k, d)
}

// Hold signs a set or release of a hold; a set with parts drawn at random.
func (w *World) Hold(k *Key, jurisdiction string, hold *entry.Hold) *entry.Statement {
	w.tb.Helper()
	d := entry.Draft{Kind: entry.KindHold, Jurisdiction: jurisdiction, Body: hold}
	if hold.Action == entry.HoldSet {
		parts := w.Hash()
		d.Parts = &parts
	}
	return w.Sign(k, d)
}
