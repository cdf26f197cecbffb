package edge

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The most a message may consist of, counted before anything is made of it. An
// empty element takes two bytes on the wire and a hundred in memory, and the
// schema's rules are only asked once all of it is there: without this bound a
// request of 16 MiB takes gigabytes and minutes. The largest request the
// schema allows has some 14,000 fields.
const (
	maxFields = 1 << 15
	maxTokens = 1 << 17 // of JSON
)

// crowded reports whether a binary message has more fields than any valid one.
// What it cannot read it leaves to the decoder, which refuses it.
func crowded(body []byte, of protoreflect.MessageDescriptor) bool {
	return fieldsIn(body, of, maxFields) > maxFields
}

// fieldsIn counts the fields of a message at all depths, until there are more
// than most. Each element of a packed list counts.
func fieldsIn(body []byte, of protoreflect.MessageDescriptor, most int) int {
	count := 0
	for len(body) > 0 && count <= most {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return count
		}
		body = body[n:]
		length := protowire.ConsumeFieldValue(number, kind, body)
		if length < 0 {
			return count
		}
		count++
		if field := of.Fields().ByNumber(number); field != nil && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(body[:length])
			switch {
			case field.Message() != nil:
				count += fieldsIn(value, field.Message(), most-count)
			case field.IsList() && field.Kind() != protoreflect.BytesKind && field.Kind() != protoreflect.StringKind:
				count += len(value)
			}
		}
		body = body[length:]
	}
	return count
}

// crowdedJSON is crowded for JSON. Our strings are base64 and short
// identifiers, so what separates tokens is counted wherever it stands.
func crowdedJSON(body []byte) bool {
	count := 0
	for _, separator := range []string{",", ":", "{", "["} {
		count += bytes.Count(body, []byte(separator))
	}
	return count > maxTokens
}
