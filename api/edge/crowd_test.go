package edge

import (
	"testing"

	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestTheLargestValidRequestIsNotCrowded in either form.
func TestTheLargestValidRequestIsNotCrowded(t *testing.T) {
	t.Parallel()
	one := &indeliblev1.Submission{Statement: []byte{1}}
	for class := range 4 {
		one.Openings = append(one.Openings, &indeliblev1.Opening{Class: indeliblev1.Class(class + 1), Opening: []byte{1}})
	}
	in := &indeliblev1.AppendRequest{Wait: indeliblev1.Wait_WAIT_COMMITTED}
	for range 1024 {
		in.Submissions = append(in.Submissions, one)
	}
	for _, codec := range []interface {
		Marshal(any) ([]byte, error)
		Unmarshal([]byte, any) error
	}{binaryCodec{}, jsonCodec{"json"}} {
		body, err := codec.Marshal(in)
		must(t, err)
		out := &indeliblev1.AppendRequest{}
		must(t, codec.Unmarshal(body, out))
		if err := inspect(out); err != nil || !proto.Equal(in, out) {
			t.Fatalf("%T: %v", codec, err)
		}
	}
	if row, ok := wire.Meaning(wire.CodeRequestTooLarge); !ok || row.Connect == 0 || wire.Refuse(wire.CodeRequestTooLarge).Code == entry.CodeTooLarge {
		t.Fatal("the code of the call is that of a statement")
	}
}
