package entry

// fields reads a map with integer keys, one key at a time in ascending order.
// The caller names the keys it may hold, in that order; any other key is a
// fault, and so is one that stands twice or out of order.
type fields struct {
	w      *walker
	unit   string // "header", "claim" or "field"
	left   int    // pairs not yet taken
	last   uint64 // rank of the last key taken
	any    bool   // a key was taken
	next   uint64 // rank of the key read ahead
	loaded bool   // next holds a key whose value comes next
}

// rank orders integer keys as their deterministic encodings are ordered: the
// unsigned ones first, then -1, -2, ...
func rank(label int64) uint64 {
	if label < 0 {
		return 1<<63 | uint64(-1-label)
	}
	return uint64(label)
}

func unrank(r uint64) int64 {
	if r>>63 != 0 {
		return -1 - int64(r&^(1<<63))
	}
	return int64(r)
}

func (w *walker) fields(unit string) fields {
	n := w.expect(majorMap, "a map")
	if w.fault == nil && n > uint64(w.rest())/2 {
		w.fail(CodeMalformed, "a map runs past the end of the input")
		n = 0
	}
	return fields{w: w, unit: unit, left: int(n)}
}

// peek reads the next key ahead.
func (f *fields) peek() bool {
	w := f.w
	if w.fault != nil || f.left == 0 {
		return false
	}
	if f.loaded {
		return true
	}
	w.unit = ""
	at := w.pos
	major, arg := w.head()
	switch {
	case w.fault != nil:
		return false
	case major != majorUint && major != majorNegint:
		w.pos = at
		w.fail(CodeUnknownLabel, "a key that is not an integer")
		return false
	case arg >= 1<<63:
		w.pos = at
		w.fail(CodeUnknownLabel, "no such %s", f.unit)
		return false
	}
	key := uint64(major)<<63 | arg
	if f.any && key <= f.last {
		w.pos = at
		w.fail(CodeNotCanonical, "a map's keys are not sorted or one stands twice")
		return false
	}
	f.next, f.loaded = key, true
	return true
}

// has takes the key if it comes next; its value is then to be read.
func (f *fields) has(label int64) bool {
	if !f.peek() || f.next != rank(label) {
		return false
	}
	f.last, f.any, f.loaded = f.next, true, false
	f.left--
	f.w.unit, f.w.label = f.unit, label
	return true
}

// need takes the key and refuses a map without it.
func (f *fields) need(label int64) {
	if f.has(label) || f.w.fault != nil {
		return
	}
	if f.loaded && f.next < rank(label) {
		f.refuseNext()
		return
	}
	f.w.unit = ""
	f.w.fail(CodeFieldMissing, "%s %d is missing", f.unit, label)
}

// end demands that every pair was taken.
func (f *fields) end() {
	if f.peek() {
		f.refuseNext()
	}
	f.w.unit = ""
}

// labelCrit is the COSE header that lists headers a reader must understand.
// Libraries accept unknown critical labels silently (decision 0042), so
// none is allowed at all.
const labelCrit = 2

func (f *fields) refuseNext() {
	label := unrank(f.next)
	f.w.unit = ""
	if f.unit == unitHeader && label == labelCrit {
		f.w.fail(CodeCritRefused, "header 2 (crit)")
		return
	}
	f.w.fail(CodeUnknownLabel, "%s %d is not listed here", f.unit, label)
}

// The units of map keys, for texts.
const (
	unitHeader = "header"
	unitClaim  = "claim"
	unitField  = "field"
)
