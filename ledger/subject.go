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

func newHandleTable(rows int) *table[entry.Handle, Handle] {
	return &table[entry.Handle, Handle]{
		prefix: keyHandle,
		key:    func(h entry.Handle) []byte { return bytesKey(keyHandle, h[:]) },
		kept:   newCache[entry.Handle, *Handle](rows),
		alone:  true,
		encode: func(h *Handle, w *rowWriter) {
			w.uint(h.no)
			w.uint(uint64(h.Class))
			w.bytes([]byte(h.Jurisdiction))
			w.uint(h.From)
			w.optional(h.To)
			w.uint(h.Opened)
			w.uint(h.Closed)
		},
		decode: func(id entry.Handle, r *rowReader) *Handle {
			return &Handle{
				ID: id, no: r.uint(), Class: entry.HandleClass(r.below(maxClass)), Jurisdiction: string(r.bytes()),
				From: r.uint(), To: r.optional(), Opened: r.uint(), Closed: r.uint(),
			}
		},
	}
}

// Handle returns what is known of a handle.
func (l *Ledger) Handle(id entry.Handle) (*Handle, bool, error) {
	h, err := l.tables.handles.find(l.db, id)
	return h, h != nil, err
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

func newBindingTable(rows int) *table[entry.BindingID, Binding] {
	return &table[entry.BindingID, Binding]{
		prefix: keyBinding,
		key:    func(id entry.BindingID) []byte { return bytesKey(keyBinding, id[:]) },
		kept:   newCache[entry.BindingID, *Binding](rows),
		alone:  true,
		encode: func(b *Binding, w *rowWriter) {
			w.fixed(b.Handle[:])
			w.fixed(b.Author[:])
			w.bytes([]byte(b.Jurisdiction))
			w.uint(b.From)
			w.optional(b.To)
			w.uint(b.Opened)
			w.uint(b.Closed)
		},
		decode: func(id entry.BindingID, r *rowReader) *Binding {
			b := &Binding{ID: id}
			r.fixed(b.Handle[:])
			r.fixed(b.Author[:])
			b.Jurisdiction, b.From, b.To = string(r.bytes()), r.uint(), r.optional()
			b.Opened, b.Closed = r.uint(), r.uint()
			return b
		},
	}
}

// Binding returns what is known of a binding.
func (l *Ledger) Binding(id entry.BindingID) (*Binding, bool, error) {
	b, err := l.tables.bindings.find(l.db, id)
	return b, b != nil, err
}
