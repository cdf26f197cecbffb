package api

import (
	"slices"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// permission is one row of what may be seen: a role, doing something, for one
// of some purposes, sees at most some classes.
type permission struct {
	role     entry.Role
	action   entry.AccessAction
	purposes []entry.Purpose
	classes  []entry.Class // of a read; a lookup shows a handle, no part
}

// permissions is the policy until policies are bundles activated in the log.
// What no row allows is denied, and the denial is recorded. The jurisdiction is
// the gate's to check, consent and holds are the guard's.
var permissions = []permission{
	{entry.RoleClinician, entry.AccessRead,
		[]entry.Purpose{entry.PurposeTREAT, entry.PurposeETREAT, entry.PurposePATRQT},
		[]entry.Class{entry.ClassClinical, entry.ClassIdentity}},
	{entry.RoleClinician, entry.AccessLookup,
		[]entry.Purpose{entry.PurposeTREAT, entry.PurposeETREAT, entry.PurposePATRQT}, nil},
	{entry.RoleRegistrar, entry.AccessLookup, []entry.Purpose{entry.PurposeHOPERAT}, nil},
	{entry.RoleOfficer, entry.AccessLookup,
		[]entry.Purpose{entry.PurposeHOPERAT, entry.PurposePATRQT, entry.PurposeHLEGAL}, nil},
	{entry.RoleConsentService, entry.AccessLookup,
		[]entry.Purpose{entry.PurposeHOPERAT, entry.PurposePATRQT}, nil},
}

// permitted decides whether the caller may do this. A caller whom the RPC's
// access rule forbids may not, whatever the table says.
func permitted(who *edge.Caller, action entry.AccessAction, purpose entry.Purpose, classes []entry.Class) bool {
	if who.Forbidden {
		return false
	}
	return slices.ContainsFunc(permissions, func(p permission) bool {
		return p.role == who.Role && p.action == action && slices.Contains(p.purposes, purpose) &&
			!slices.ContainsFunc(classes, func(c entry.Class) bool { return !slices.Contains(p.classes, c) })
	})
}

// fieldNames are the classes asked for as they stand in the audit part and are
// bound by the request hash: in order of class, so that one request has one
// spelling.
func fieldNames(classes []indeliblev1.Class) ([]string, []entry.Class) {
	var wanted []entry.Class
	for _, c := range classes {
		wanted = append(wanted, entry.Class(c))
	}
	slices.Sort(wanted)
	names := make([]string, len(wanted))
	for i, c := range wanted {
		names[i] = c.String()
	}
	return names, wanted
}
