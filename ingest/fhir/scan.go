package fhir

import "unicode/utf8"

const (
	// MaxResource is the longest document in bytes. Both parts together are at
	// most 400 bytes longer, so that each fits an opening of 512 KiB.
	MaxResource = 511 << 10
	// maxDepth is how deep arrays and objects may nest; the deepest Observation
	// of the FHIR R4 examples uses 10.
	maxDepth = 64
)

// scanner walks one JSON document. It checks everything and keeps nothing but
// what the two callbacks of a walk ask for.
type scanner struct {
	data  []byte
	pos   int
	depth int
	// marked is set when an object below the top names a person or a place where
	// one is named; see markers.
	marked bool
}

// markers are the member names that make a kept member be cut whole.
var markers = setOf("extension", "modifierExtension", "reference", "identifier")

// member is one name and value of an object, as offsets into the document.
type member struct {
	name       string // with escapes resolved
	start      int    // of the name's opening quote
	valueStart int
	end        int  // one past the value
	marked     bool // the value contains one of markers as a member name
}

// document scans a whole document that must be one object and returns its members.
func document(data []byte) ([]member, error) {
	switch {
	case len(data) > MaxResource:
		return nil, refuse(MaxResource, ErrTooLarge)
	case len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF:
		return nil, refuse(0, ErrByteOrderMark)
	}
	if at := firstInvalidUTF8(data); at >= 0 {
		return nil, refuse(at, ErrNotUTF8)
	}
	s := &scanner{data: data}
	s.space()
	isObject := s.peek() == '{'
	var members []member
	if err := s.value(func(m member) { members = append(members, m) }); err != nil {
		return nil, err
	}
	s.space()
	if s.pos != len(data) {
		return nil, refuse(s.pos, ErrSyntax)
	}
	if !isObject {
		return nil, refuse(0, ErrNotObject)
	}
	return members, nil
}

func firstInvalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// peek returns the next byte, or 0, which no JSON token begins with, at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return refuse(s.pos, ErrSyntax)
	}
	s.pos++
	return nil
}

// value scans one value. If it is an object, each is called for its members.
func (s *scanner) value(each func(member)) error {
	switch c := s.peek(); {
	case c == '{':
		return s.nested(func() error { return s.object(each) })
	case c == '[':
		return s.nested(s.array)
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || digit(c):
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return refuse(s.pos, ErrSyntax)
}

// nested runs scan one level deeper; recursion ends at maxDepth.
func (s *scanner) nested(scan func() error) error {
	if s.depth++; s.depth > maxDepth {
		return refuse(s.pos, ErrTooDeep)
	}
	defer func() { s.depth-- }()
	return scan()
}

func (s *scanner) array() error {
	return s.list('[', ']', func() error { return s.value(nil) })
}

func (s *scanner) object(each func(member)) error {
	var names nameSet
	return s.list('{', '}', func() error {
		m, err := s.member(&names)
		if err != nil {
			return err
		}
		if each != nil {
			each(m)
		}
		return nil
	})
}

// list scans items separated by commas between an opening and a closing byte.
func (s *scanner) list(open, closing byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.space(); s.peek() == closing {
		s.pos++
		return nil
	}
	for {
		s.space()
		if err := item(); err != nil {
			return err
		}
		if s.space(); s.peek() == closing {
			s.pos++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

func (s *scanner) member(names *nameSet) (member, error) {
	m := member{start: s.pos}
	raw, err := s.text()
	if err != nil {
		return m, err
	}
	if m.name = unescape(raw); !names.add(m.name) {
		return m, refuse(m.start, ErrRepeatedName)
	}
	s.space()
	if err := s.expect(':'); err != nil {
		return m, err
	}
	s.space()
	m.valueStart = s.pos
	outer := s.marked
	s.marked = false
	if err := s.value(nil); err != nil {
		return m, err
	}
	m.end, m.marked = s.pos, s.marked
	s.marked = outer || s.marked || markers[m.name]
	return m, nil
}

// fewNames is up to how many members a linear search beats a map.
const fewNames = 16

// nameSet notices a repeated name in time linear in the size of the object.
type nameSet struct {
	few  []string
	many map[string]struct{}
}

func (n *nameSet) add(name string) bool {
	if n.many != nil {
		_, seen := n.many[name]
		n.many[name] = struct{}{}
		return !seen
	}
	for _, other := range n.few {
		if other == name {
			return false
		}
	}
	n.few = append(n.few, name)
	if len(n.few) > fewNames {
		n.many = make(map[string]struct{}, 2*len(n.few))
		for _, other := range n.few {
			n.many[other] = struct{}{}
		}
	}
	return true
}
