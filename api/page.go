package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"indelible/api/wire"
)

// pages makes and reads the page tokens of one query. A token is opaque to
// callers: a version, 16 bytes of a digest of the query, and the place where the
// next page begins. It says nothing of a person, and grants nothing: a caller
// who makes one up may ask for the page anyway. The digest is there so that a
// token given for one query does not silently skip records of another.
type pages struct{ query [17]byte }

const (
	pageVersion = 1
	pageDomain  = "indelible page v1\n"
)

// pagesOf binds tokens to a request of an RPC in a jurisdiction: to every field
// but page_token and limit, which may differ from page to page.
func pagesOf(jurisdiction string, request proto.Message) (pages, error) {
	query := proto.Clone(request).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_token", "limit"} {
		if field := query.Descriptor().Fields().ByName(name); field != nil {
			query.Clear(field)
		}
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(query.Interface())
	if err != nil {
		return pages{}, err
	}
	digest := sha256.Sum256([]byte(pageDomain + string(query.Descriptor().FullName()) + "\n" + jurisdiction + "\n" + string(encoded)))
	p := pages{query: [17]byte{pageVersion}}
	copy(p.query[1:], digest[:])
	return p, nil
}

// token is the token of a page that begins at a place.
func (p pages) token(place ...byte) []byte { return append(p.query[:], place...) }

// at is the token of a page that begins at a number; none for 0, after the last
// page.
func (p pages) at(place uint64) []byte {
	if place == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(p.token(), place)
}

// place is where a token says that the page begins: as many bytes as a place of
// this query has. No token is the beginning, all zeros.
func (p pages) place(token []byte, size int) ([]byte, error) {
	if len(token) == 0 {
		return make([]byte, size), nil
	}
	place, ours := bytes.CutPrefix(token, p.query[:])
	if !ours || len(place) != size {
		return nil, wire.Refuse(wire.CodePageToken)
	}
	return place, nil
}

// pageOf is pagesOf for places that are numbers, with the number at which the
// page asked for begins.
func pageOf(jurisdiction string, request interface {
	proto.Message
	GetPageToken() []byte
}) (p pages, from uint64, err error) {
	if p, err = pagesOf(jurisdiction, request); err != nil {
		return p, 0, err
	}
	place, err := p.place(request.GetPageToken(), 8)
	if err != nil {
		return p, 0, err
	}
	return p, binary.BigEndian.Uint64(place), nil
}
