package edge

import (
	"errors"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"indelible/api/wire"
)

// A body that cannot be decoded must be answered by a refusal with a code, and
// without the decoder's own text, which quotes the input. The RPC library
// offers no way to do that from a codec. So a codec that meets such a body
// leaves an emptied message with a mark in it, an unknown field with the
// largest field number there is, and the strict interceptor, which refuses
// unknown fields anyway, reads it.
const markNumber protowire.Number = protowire.MaxValidNumber

var (
	markMalformed    = protowire.AppendVarint(protowire.AppendTag(nil, markNumber, protowire.VarintType), 1)
	markUnknownField = protowire.AppendVarint(protowire.AppendTag(nil, markNumber, protowire.VarintType), 2)
	markCrowded      = protowire.AppendVarint(protowire.AppendTag(nil, markNumber, protowire.VarintType), 3)
)

var errNotProto = errors.New("edge: not a protobuf message")

func mark(m proto.Message, with []byte) {
	proto.Reset(m)
	m.ProtoReflect().SetUnknown(with)
}

// binaryCodec is protobuf's binary form.
type binaryCodec struct{}

// Name implements connect.Codec.
func (binaryCodec) Name() string { return "proto" }

// Marshal implements connect.Codec.
func (binaryCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errNotProto
	}
	return proto.Marshal(m)
}

// MarshalAppend spares the RPC library a copy of the message.
func (binaryCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errNotProto
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

// Unmarshal implements connect.Codec.
func (binaryCodec) Unmarshal(body []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto
	}
	if crowded(body, m.ProtoReflect().Descriptor()) {
		mark(m, markCrowded)
	} else if proto.Unmarshal(body, m) != nil {
		mark(m, markMalformed)
	}
	return nil
}

// jsonCodec is protobuf's JSON form. Unlike the library's own it does not pass
// over fields it does not know.
type jsonCodec struct{ name string }

// Name implements connect.Codec.
func (c jsonCodec) Name() string { return c.name }

// Marshal implements connect.Codec.
func (jsonCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errNotProto
	}
	return protojson.Marshal(m)
}

// Unmarshal implements connect.Codec.
func (jsonCodec) Unmarshal(body []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto
	}
	if crowdedJSON(body) {
		mark(m, markCrowded)
		return nil
	}
	if protojson.Unmarshal(body, m) == nil {
		return nil
	}
	// Only what reads well without its unknown fields has unknown fields.
	lenient := protojson.UnmarshalOptions{DiscardUnknown: true}
	if lenient.Unmarshal(body, m) == nil {
		mark(m, markUnknownField)
		return nil
	}
	mark(m, markMalformed)
	return nil
}

// inspect refuses a message that could not be decoded or that carries, at any
// depth, a field this schema does not know.
func inspect(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto
	}
	switch string(m.ProtoReflect().GetUnknown()) {
	case string(markMalformed):
		return wire.Refuse(wire.CodeRequestMalformed)
	case string(markUnknownField):
		return wire.Refuse(wire.CodeUnknownField)
	case string(markCrowded):
		return wire.Refuse(wire.CodeRequestTooLarge)
	}
	return unknownField(m.ProtoReflect(), m.ProtoReflect().Descriptor().FullName())
}

func unknownField(m protoreflect.Message, in protoreflect.FullName) error {
	if len(m.GetUnknown()) > 0 {
		r := wire.Refuse(wire.CodeUnknownField)
		r.Text = "A " + string(in) + " has a field this node does not know."
		return r
	}
	var found error
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() == nil || field.IsMap() {
			return true
		}
		if !field.IsList() {
			found = unknownField(value.Message(), field.Message().FullName())
			return found == nil
		}
		for i := range value.List().Len() {
			if found = unknownField(value.List().Get(i).Message(), field.Message().FullName()); found != nil {
				return false
			}
		}
		return true
	})
	return found
}
