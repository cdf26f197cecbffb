package edge

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	indeliblev1 "indelible/api/gen/indelible/v1"
)

// TestIncompleteAccessRulesAreRefused changes the option of one RPC in every way
// that would leave it open.
func TestIncompleteAccessRulesAreRefused(t *testing.T) {
	cases := map[string]*indeliblev1.Access{
		"none":                nil,
		"nobody":              {Audit: indeliblev1.Audit_AUDIT_NONE},
		"anyone and roles":    {Anyone: true, Roles: []indeliblev1.Role{indeliblev1.Role_ROLE_AUDITOR}, Audit: indeliblev1.Audit_AUDIT_NONE},
		"no audit rule":       {Anyone: true},
		"unspecified role":    {Roles: []indeliblev1.Role{0}, Audit: indeliblev1.Audit_AUDIT_NONE},
		"room for others":     {Roles: []indeliblev1.Role{indeliblev1.Role_ROLE_AUDITOR}, Audit: indeliblev1.Audit_AUDIT_NONE, Reserved: []indeliblev1.Role{indeliblev1.Role_ROLE_DEVICE}},
		"PHI without a trace": {Anyone: true, Phi: true, Audit: indeliblev1.Audit_AUDIT_NONE},
	}
	for name, access := range cases {
		t.Run(name, func(t *testing.T) {
			file := protodesc.ToFileDescriptorProto(indeliblev1.File_indelible_v1_cluster_proto)
			options := &descriptorpb.MethodOptions{}
			if access != nil {
				proto.SetExtension(options, indeliblev1.E_Access, access)
			}
			file.Service[0].Method[0].Options = options
			changed, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
			if err != nil {
				t.Fatal(err)
			}
			if rules, err := rulesOf([]protoreflect.FileDescriptor{changed}); err == nil {
				t.Fatalf("accepted as %+v", rules)
			}
		})
	}
}
