package edge

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"

	"indelible/api/wire"
)

// prefixBytes is what gRPC, gRPC-Web and Connect's streams put before each
// message: a byte of flags and the length of the message.
const prefixBytes = 5

// intake reads the body of a call. It refuses what is too large or not framed
// as the protocol says, counts what is received against the caller before the
// RPC library has a whole message, and turns what goes wrong with a connection
// into a refusal: the library would pass on the texts of the network, which
// hold addresses.
type intake struct {
	io.ReadCloser
	limit  int64               // bytes of one message
	hold   func(n int64) error // counts n bytes against the caller
	drop   func(n int64)       // undoes hold
	answer func(error) error   // of a refusal; the RPC library passes on a complete one as it is
	ended  func() error        // told when the body is complete; may be nil
	framed bool                // messages come after prefixes
	many   bool                // a stream: any number of messages

	held   int64             // bytes counted and not handed over
	prefix [prefixBytes]byte // of the message that is being received
	have   int               // bytes of the prefix that are there
	left   int64             // bytes of the message that are missing
	begun  int               // messages begun
	skip   bool              // the rest of the message is to be thrown away: there was no room
	fault  error             // what ended the body before its end
}

// framing reports whether a request's messages come after prefixes.
func framing(r *http.Request) bool {
	kind := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type")))
	return strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "application/connect+")
}

// Read implements io.Reader. After an error it gives the same again.
func (b *intake) Read(p []byte) (int, error) {
	if b.fault != nil {
		return 0, b.fault
	}
	n, err := b.read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	err = b.answer(err)
	if !b.skip {
		b.fault = err
	}
	return n, err
}

func (b *intake) read(p []byte) (int, error) {
	if b.skip {
		if err := b.pass(); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(b.within(p))
	if n > 0 {
		if fault := b.count(p[:n]); fault != nil {
			return 0, fault
		}
	}
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF) || b.have > 0:
		return n, wire.Refuse(wire.CodeRequestIncomplete)
	case b.framed && !b.many && b.begun == 0:
		return n, wire.Refuse(wire.CodeRequestMalformed)
	}
	if b.ended != nil {
		if fault := b.ended(); fault != nil {
			return n, fault
		}
	}
	return n, err
}

// within is as much of p as does not reach over the end of what is being
// received, prefix or message.
func (b *intake) within(p []byte) []byte {
	rest := int64(prefixBytes - b.have)
	if rest == 0 {
		rest = b.left
	}
	if !b.framed || int64(len(p)) <= rest {
		return p
	}
	return p[:rest]
}

// count takes note of bytes received.
func (b *intake) count(p []byte) error {
	n := int64(len(p))
	if !b.framed {
		if b.held+n > b.limit {
			return wire.Refuse(wire.CodeRequestTooLarge)
		}
		return b.take(n)
	}
	if b.have < prefixBytes {
		b.have += copy(b.prefix[b.have:], p)
		if b.have == prefixBytes {
			return b.begin()
		}
		return nil
	}
	b.left -= n
	if err := b.take(n); err != nil {
		b.skip = b.many
		b.release()
		return err
	}
	b.finish()
	return nil
}

// begin looks at a complete prefix. No flag is valid in a request: nothing is
// compressed, and only answers have trailers.
func (b *intake) begin() error {
	b.begun++
	b.left = int64(binary.BigEndian.Uint32(b.prefix[1:]))
	switch {
	case b.prefix[0] != 0, b.begun > 1 && !b.many:
		return wire.Refuse(wire.CodeRequestMalformed)
	case b.left > b.limit:
		return wire.Refuse(wire.CodeRequestTooLarge)
	}
	b.finish()
	return nil
}

// finish makes ready for the next message once this one is whole.
func (b *intake) finish() {
	if b.left == 0 {
		b.have = 0
	}
}

// pass throws away what is left of a message for which there was no room. The
// messages behind it are not lost.
func (b *intake) pass() error {
	n, err := io.CopyN(io.Discard, b.ReadCloser, b.left)
	if b.left -= n; err != nil {
		b.skip = false
		return wire.Refuse(wire.CodeRequestIncomplete)
	}
	b.skip = false
	b.finish()
	return nil
}

func (b *intake) take(n int64) error {
	if err := b.hold(n); err != nil {
		return err
	}
	b.held += n
	return nil
}

// handOver gives what is counted to the part that works on the message now.
func (b *intake) handOver() int64 {
	n := b.held
	b.held = 0
	return n
}

// release forgets what is counted.
func (b *intake) release() {
	if b.held > 0 {
		b.drop(b.handOver())
	}
}
