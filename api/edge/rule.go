package edge

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// rule is the access option of one RPC.
type rule struct {
	*indeliblev1.Access
	procedure string // "/indelible.v1.LedgerService/Append"
	stream    bool
	open      bool // for all who may connect; nothing of Access counts
}

// allows reports whether an author of this role may call.
func (r *rule) allows(role entry.Role) bool {
	return r.GetAnyone() || slices.Contains(r.GetRoles(), indeliblev1.Role(role))
}

// recordsDenial: a caller whom the rule does not allow is still let through to
// the handler, which refuses it with an access entry.
func (r *rule) recordsDenial() bool { return r.GetAudit() == indeliblev1.Audit_AUDIT_ACCESS }

// rulesOf reads the access options of every RPC in the files. An RPC without a
// complete one is an error: nothing is served by default.
func rulesOf(files []protoreflect.FileDescriptor) (map[string]*rule, error) {
	rules := make(map[string]*rule)
	var faults []error
	for _, file := range files {
		for s := range file.Services().Len() {
			methods := file.Services().Get(s).Methods()
			for m := range methods.Len() {
				method := methods.Get(m)
				r := &rule{
					procedure: fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()),
					stream:    method.IsStreamingClient() || method.IsStreamingServer(),
				}
				r.Access, _ = proto.GetExtension(method.Options(), indeliblev1.E_Access).(*indeliblev1.Access)
				if fault := faultOf(r.Access); fault != "" {
					faults = append(faults, fmt.Errorf("edge: the access option of %s %s", method.FullName(), fault))
				}
				rules[r.procedure] = r
			}
		}
	}
	return rules, errors.Join(faults...)
}

// faultOf is what is wrong with an access option, or nothing.
func faultOf(access *indeliblev1.Access) string {
	switch {
	case access == nil:
		return "is missing"
	case access.GetAnyone() == (len(access.GetRoles()) > 0):
		return "must name roles or say anyone, one of the two"
	case access.GetAudit() == indeliblev1.Audit_AUDIT_UNSPECIFIED:
		return "does not say what is recorded"
	case access.GetPhi() && access.GetAudit() == indeliblev1.Audit_AUDIT_NONE:
		return "touches PHI and records nothing"
	case slices.Contains(access.GetRoles(), indeliblev1.Role_ROLE_UNSPECIFIED):
		return "names no role where one is listed"
	}
	for _, role := range access.GetReserved() {
		if !slices.Contains(access.GetRoles(), role) {
			return "reserves room for a role that may not call"
		}
	}
	return ""
}
