package api

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// revisions has the digest of the schema at each revision, the first being 1. A
// change of the schema adds a line and raises SchemaRevision; no line is changed.
var revisions = []string{
	"4db39aa5442ec9b721cc35c47fa01ed62554749af60d72912c5588160f82d9f2",
}

// TestASchemaChangeRaisesTheRevision: clients decide by the revision what they may
// send, so no two schemas have the same one.
func TestASchemaChangeRaisesTheRevision(t *testing.T) {
	files := &descriptorpb.FileDescriptorSet{}
	protoregistry.GlobalFiles.RangeFilesByPackage("indelible.v1", func(file protoreflect.FileDescriptor) bool {
		files.File = append(files.File, protodesc.ToFileDescriptorProto(file))
		return true
	})
	if got := schemaDigest(t, files); len(revisions) != SchemaRevision || got != revisions[SchemaRevision-1] {
		t.Errorf("the schema is %s: raise SchemaRevision and add this digest to the revisions", got)
	}
}

// TestTheReleasedSchemaIsARevision: what buf breaking compares with is a schema
// that had a revision of its own.
func TestTheReleasedSchemaIsARevision(t *testing.T) {
	raw, err := os.ReadFile("schema.binpb")
	must(t, err)
	image, files := &descriptorpb.FileDescriptorSet{}, &descriptorpb.FileDescriptorSet{}
	must(t, proto.Unmarshal(raw, image))
	for _, file := range image.GetFile() {
		if file.GetPackage() == "indelible.v1" {
			files.File = append(files.File, file)
		}
	}
	if got := schemaDigest(t, files); !slices.Contains(revisions, got) {
		t.Errorf("schema.binpb is %s, which is no revision", got)
	}
}

// schemaDigest is over the files in order of name, without comments.
func schemaDigest(t *testing.T, files *descriptorpb.FileDescriptorSet) string {
	t.Helper()
	slices.SortFunc(files.File, func(a, b *descriptorpb.FileDescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, file := range files.File {
		file.SourceCodeInfo = nil
		file.ProtoReflect().SetUnknown(nil)
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(files)
	must(t, err)
	digest := sha256.Sum256(raw)
	return hex.EncodeToString(digest[:])
}
