package entry

// form passes over the fields of a map or the items of an array in their order,
// either to read them or to write them. What is described once cannot be written
// in one way and read in another. Values are checked when they are read only:
// what was written is read again before it leaves the package.
type form struct {
	w    *walker    // what is read; nil when writing
	keys fields     // of the map that is read
	m    *mapWriter // what is written; nil when reading
}

// at comes to a field, and says whether its value is to be passed over next.
// When writing, a field that is set is written even where it may not stand, so
// that a caller's mistake is refused and not hidden.
func (f *form) at(label int64, when need, set bool) bool {
	switch {
	case f.m != nil:
		if when == must || set {
			f.m.key(label)
			return true
		}
		return false
	case when == must:
		f.keys.need(label)
		return true
	}
	return when == may && f.keys.has(label)
}

func (f *form) array(n int) {
	if f.m != nil {
		f.m.body = appendArray(f.m.body, n)
		return
	}
	f.w.arrayOf(n)
}

func (f *form) number(n *uint64, low, high uint64) {
	if f.m != nil {
		f.m.body = appendUint(f.m.body, *n)
		return
	}
	*n = f.w.uintWithin(low, high)
}

// fixed passes over a byte string of exactly the size of b.
func (f *form) fixed(b []byte) {
	if f.m != nil {
		f.m.body = appendBytes(f.m.body, b)
		return
	}
	f.w.fixed(b)
}

func (f *form) bytes(b *[]byte, read func(*walker) []byte) {
	if f.m != nil {
		f.m.body = appendBytes(f.m.body, *b)
		return
	}
	*b = read(f.w)
}

func (f *form) text(s *string, read func(*walker) string) {
	if f.m != nil {
		f.m.body = appendText(f.m.body, *s)
		return
	}
	*s = read(f.w)
}

func (f *form) bool(b *bool) {
	if f.m != nil {
		f.m.body = appendBool(f.m.body, *b)
		return
	}
	*b = f.w.bool()
}

// null passes over a null, if one stands here or absent says so.
func (f *form) null(absent bool) bool {
	if f.m == nil {
		return f.w.null()
	}
	if absent {
		f.m.body = appendNull(f.m.body)
	}
	return absent
}

func coded[C ~uint8](f *form, c *C, list *codeList) {
	if f.m != nil {
		f.m.body = appendUint(f.m.body, uint64(*c))
		return
	}
	*c = C(f.w.code(list))
}

// list passes over an array whose order means something.
func listOf[T any](f *form, items *[]T, item func(*form, *T)) {
	if f.m == nil {
		for n := f.w.array(); n > 0 && f.w.fault == nil; n-- {
			*items = append(*items, *new(T))
			item(f, &(*items)[len(*items)-1])
		}
		return
	}
	f.m.body = appendArray(f.m.body, len(*items))
	for i := range *items {
		item(f, &(*items)[i])
	}
}

// set passes over an array without an order of its own.
func setOf[T any](f *form, items *[]T, item func(*form, *T)) {
	if f.m == nil {
		f.w.set(func() {
			*items = append(*items, *new(T))
			item(f, &(*items)[len(*items)-1])
		})
		return
	}
	f.m.body = appendSet(f.m.body, *items, func(b []byte, v T) []byte {
		one := mapWriter{body: b}
		item(&form{m: &one}, &v)
		return one.body
	})
}

// The same for the fields of a map, with where and when they stand.

func codeAt[C ~uint8](f *form, label int64, when need, c *C, list *codeList) {
	if f.at(label, when, *c != 0) {
		coded(f, c, list)
	}
}

func (f *form) fixedAt(label int64, when need, b []byte) {
	if f.at(label, when, !zero(b)) {
		f.fixed(b)
	}
}

func (f *form) numberAt(label int64, when need, n *uint64, low, high uint64) {
	if f.at(label, when, *n != 0) {
		f.number(n, low, high)
	}
}

// timeAt passes over an instant or a span in milliseconds.
func (f *form) timeAt(label int64, when need, n *uint64) { f.numberAt(label, when, n, 0, MaxTime) }

// untilAt passes over the end of a period that begins at from. One that is nil
// is never written.
func (f *form) untilAt(label int64, when need, from uint64, to **uint64) {
	if f.m != nil && *to == nil || !f.at(label, when, true) {
		return
	}
	f.number(allocate(f, to), 0, MaxTime)
	if f.m == nil && f.w.fault == nil && **to < from {
		f.w.fail(CodeFieldInvalid, "a period ends before it begins")
	}
}

// allocate makes room for a value that is there and is about to be read.
func allocate[T any](f *form, v **T) *T {
	if f.m == nil {
		*v = new(T)
	}
	return *v
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
