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
	procedure string // "/indelible.v1.LedgerService/Append"
	roles     []entry.Role
	reserved  []entry.Role // whose calls are admitted in the reserved lane
	anyone    bool
	audit     indeliblev1.Audit
	phi       bool
	stream    bool
}

// allows reports whether an author of this role may call.
func (r *rule) allows(role entry.Role) bool {
	return r.anyone || slices.Contains(r.roles, role)
}

// recordsDenial: a caller whom the rule does not allow is still let through to
// the handler, which refuses it with an access entry.
func (r *rule) recordsDenial() bool { return r.audit == indeliblev1.Audit_AUDIT_ACCESS }

// rulesOf reads the access options of every RPC in the files. An RPC without a
// complete one is an error: nothing is served by default.
func rulesOf(files []protoreflect.FileDescriptor) (map[string]*rule, error) {
	rules := make(map[string]*rule)
	var faults []error
	for _, file := range files {
		for s := range file.Services().Len() {
			methods := file.Services().Get(s).Methods()
			for m := range methods.Len() {
				r, err := ruleOf(methods.Get(m))
				faults = append(faults, err)
				if err == nil {
					rules[r.procedure] = r
				}
			}
		}
	}
	return rules, errors.Join(faults...)
}

func ruleOf(method protoreflect.MethodDescriptor) (*rule, error) {
	if !proto.HasExtension(method.Options(), indeliblev1.E_Access) {
		return nil, fmt.Errorf("edge: %s has no access option", method.FullName())
	}
	access, ok := proto.GetExtension(method.Options(), indeliblev1.E_Access).(*indeliblev1.Access)
	if !ok || access == nil {
		return nil, fmt.Errorf("edge: %s has an unreadable access option", method.FullName())
	}
	if access.GetAnyone() == (len(access.GetRoles()) > 0) {
		return nil, fmt.Errorf("edge: %s must name roles or say anyone, one of the two", method.FullName())
	}
	if access.GetAudit() == indeliblev1.Audit_AUDIT_UNSPECIFIED {
		return nil, fmt.Errorf("edge: %s does not say what of it is recorded", method.FullName())
	}
	if access.GetPhi() && access.GetAudit() == indeliblev1.Audit_AUDIT_NONE {
		return nil, fmt.Errorf("edge: %s touches PHI and records nothing", method.FullName())
	}
	r := &rule{
		procedure: fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()),
		anyone:    access.GetAnyone(), audit: access.GetAudit(), phi: access.GetPhi(),
		stream: method.IsStreamingClient() || method.IsStreamingServer(),
	}
	for _, role := range access.GetRoles() {
		if role == indeliblev1.Role_ROLE_UNSPECIFIED {
			return nil, fmt.Errorf("edge: %s names no role where one is listed", method.FullName())
		}
		r.roles = append(r.roles, entry.Role(role))
	}
	for _, role := range access.GetReserved() {
		if !slices.Contains(access.GetRoles(), role) {
			return nil, fmt.Errorf("edge: %s reserves room for a role that may not call it", method.FullName())
		}
		r.reserved = append(r.reserved, entry.Role(role))
	}
	return r, nil
}
