package edge

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestMessagesAreReadStrictly: what does not decode and what is not in the
// schema, at any depth, in either encoding, is refused by its code.
func TestMessagesAreReadStrictly(t *testing.T) {
	whole := &indeliblev1.AppendRequest{Submissions: []*indeliblev1.Submission{{
		Statement: []byte{1}, Openings: []*indeliblev1.Opening{{Class: 1, Opening: []byte{2}}},
	}}}
	encoded, err := proto.Marshal(whole)
	must(t, err)
	deep := proto.Clone(whole).(*indeliblev1.AppendRequest)
	extra := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	deep.Submissions[0].Openings[0].ProtoReflect().SetUnknown(extra)
	deepEncoded, err := proto.Marshal(deep)
	must(t, err)
	cases := []struct {
		name string
		read func([]byte, any) error
		body string
		code entry.Code
	}{
		{"binary", binaryCodec{}.Unmarshal, string(encoded), ""},
		{"binary, empty", binaryCodec{}.Unmarshal, "", ""},
		{"binary, unknown field", binaryCodec{}.Unmarshal, string(encoded) + string(extra), wire.CodeUnknownField},
		{"binary, unknown field within", binaryCodec{}.Unmarshal, string(deepEncoded), wire.CodeUnknownField},
		{"binary, truncated", binaryCodec{}.Unmarshal, string(encoded[:len(encoded)-1]), wire.CodeRequestMalformed},
		{"binary, our own mark", binaryCodec{}.Unmarshal, string(markMalformed), wire.CodeRequestMalformed},
		{"JSON", jsonCodec{"json"}.Unmarshal, `{"submissions":[{"statement":"AQ=="}]}`, ""},
		{"JSON, unknown field", jsonCodec{"json"}.Unmarshal, `{"canary":1}`, wire.CodeUnknownField},
		{"JSON, unknown field within", jsonCodec{"json"}.Unmarshal, `{"submissions":[{"canary":{}}]}`, wire.CodeUnknownField},
		{"JSON, not JSON", jsonCodec{"json"}.Unmarshal, `canary`, wire.CodeRequestMalformed},
		{"JSON, twice", jsonCodec{"json"}.Unmarshal, `{"wait":1,"wait":2}`, wire.CodeRequestMalformed},
		{"JSON, empty", jsonCodec{"json"}.Unmarshal, ``, wire.CodeRequestMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := &indeliblev1.AppendRequest{}
			if err := c.read([]byte(c.body), m); err != nil {
				t.Fatalf("the codec itself failed: %v", err)
			}
			err := inspect(m)
			var r *entry.Refusal
			switch {
			case c.code == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case c.code != "" && (!errors.As(err, &r) || r.Code != c.code):
				t.Fatalf("got %v, expected %s", err, c.code)
			case c.code != "" && len(m.GetSubmissions()) > 0 && c.code == wire.CodeRequestMalformed:
				t.Fatal("half a message was left")
			}
		})
	}
}

func FuzzCodecs(f *testing.F) {
	f.Add([]byte(`{"submissions":[{"statement":"AQ=="}]}`))
	f.Add([]byte{0x0a, 0x03, 0x0a, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, codec := range []interface{ Unmarshal([]byte, any) error }{binaryCodec{}, jsonCodec{"json"}} {
			m := &indeliblev1.AppendRequest{}
			if err := codec.Unmarshal(body, m); err != nil {
				t.Fatal(err)
			}
			// Whatever passes inspection must encode to something that reads the same.
			if inspect(m) != nil {
				continue
			}
			again, err := binaryCodec{}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			back := &indeliblev1.AppendRequest{}
			if err := (binaryCodec{}).Unmarshal(again, back); err != nil || !proto.Equal(m, back) {
				t.Fatalf("%v", err)
			}
		}
	})
}
