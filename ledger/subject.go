package ledger

import "indelible/ledger/entry"

// Handle is a name of a subject. It is shared: do not change it.
type Handle struct {
	ID           entry.Handle
	Class        entry.HandleClass
	Jurisdiction string
	From         uint64  // as signed, Unix milliseconds
	To           *uint64 // as signed when it was closed; nil while it is open
	Opened       uint64  // index
	Closed       uint64  // index; 0 while it is open

	no uint64
}

// Open reports whether the handle has not been closed.
func (h *Handle) Open() bool { return h.To == nil }

const maxClass = uint64(entry.HandleOrganisation) + 1

var handleTable = table[entry.Handle, Handle]{
	prefix: keyHandle,
	key:    func(h entry.Handle) []byte { return bytesKey(keyHandle, h[:]) },
	alone:  true,
	size:   entry.IDSize,
	named:  func(h *Handle, id []byte) { h.ID = entry.Handle(id) },
	fields: func(h *Handle, f *form) {
		f.uint(&h.no)
		below(f, &h.Class, maxClass)
		f.text(&h.Jurisdiction)
		f.uint(&h.From)
		f.time(&h.To)
		f.uint(&h.Opened)
		f.uint(&h.Closed)
	},
}

// Handle returns what is known of a handle.
func (l *Ledger) Handle(id entry.Handle) (*Handle, bool, error) {
	return l.tables.handles.find(l.db, id)
}

// Binding lets a device write about a handle. It is shared: do not change it.
type Binding struct {
	ID           entry.BindingID
	Handle       entry.Handle
	Author       entry.AuthorID // the device
	Jurisdiction string
	From         uint64  // Unix milliseconds
	To           *uint64 // Unix milliseconds; nil: without end
	Opened       uint64  // index
	Closed       uint64  // index of the entry that closed it; 0 while none did
}

var bindingTable = table[entry.BindingID, Binding]{
	prefix: keyBinding,
	key:    func(id entry.BindingID) []byte { return bytesKey(keyBinding, id[:]) },
	alone:  true,
	size:   entry.IDSize,
	named:  func(b *Binding, id []byte) { b.ID = entry.BindingID(id) },
	fields: func(b *Binding, f *form) {
		f.fixed(b.Handle[:])
		f.fixed(b.Author[:])
		f.text(&b.Jurisdiction)
		f.uint(&b.From)
		f.time(&b.To)
		f.uint(&b.Opened)
		f.uint(&b.Closed)
	},
}

// Binding returns what is known of a binding.
func (l *Ledger) Binding(id entry.BindingID) (*Binding, bool, error) {
	return l.tables.bindings.find(l.db, id)
}
