package ledgertest

import "indelible/ledger/entry"

// Everywhere lists the jurisdictions of the log.
func (w *World) Everywhere() []string {
	var all []string
	for _, rule := range w.Body.Jurisdictions {
		all = append(all, rule.Name)
	}
	return all
}

// Confirm signs the second signature of a statement.
func (w *World) Confirm(k *Key, first *entry.Statement) *entry.Statement {
	w.tb.Helper()
	id := first.ID()
	return w.Sign(k, entry.Draft{Kind: first.Kind, Sub: first.Sub, Jurisdiction: first.Jurisdiction, Confirms: &id})
}

// Enrol signs the enrolment of a key that is not a device's by the first
// registrar, and where the role and the log demand it the confirmation by the
// second.
func (w *World) Enrol(k *Key, role entry.Role, jurisdictions ...string) []*entry.Statement {
	w.tb.Helper()
	first := w.Sign(w.Registrars[0], entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: k.SPKI(), Role: role, Jurisdictions: jurisdictions,
	}})
	switch role {
	case entry.RoleRegistrar, entry.RoleOperator, entry.RoleOfficer, entry.RoleConsentService:
		return w.two(w.Registrars, first)
	}
	return []*entry.Statement{first}
}

// two adds the confirmation by the second of the keys, if there is one.
func (w *World) two(keys []*Key, first *entry.Statement) []*entry.Statement {
	w.tb.Helper()
	if len(w.Registrars) == 1 {
		return []*entry.Statement{first}
	}
	return []*entry.Statement{first, w.Confirm(keys[1], first)}
}

// Staff signs the enrolments of two officers, the consent service, a service, a
// clinician and an auditor, all of them everywhere.
func (w *World) Staff() []*entry.Statement {
	w.tb.Helper()
	w.Officers = []*Key{w.Key(), w.Key()}
	w.ConsentService, w.Service, w.Clinician, w.Auditor = w.Key(), w.Key(), w.Key(), w.Key()
	var all []*entry.Statement
	for _, one := range []struct {
		key  *Key
		role entry.Role
	}{
		{w.Officers[0], entry.RoleOfficer}, {w.Officers[1], entry.RoleOfficer}, {w.ConsentService, entry.RoleConsentService},
		{w.Service, entry.RoleService}, {w.Clinician, entry.RoleClinician}, {w.Auditor, entry.RoleAuditor},
	} {
		all = append(all, w.Enrol(one.key, one.role, w.Everywhere()...)...)
	}
	return all
}

// CA signs the activation of a device CA key, with its confirmation.
func (w *World) CA(spki []byte) []*entry.Statement {
	w.tb.Helper()
	return w.two(w.Registrars, w.Sign(w.Registrars[0], entry.Draft{
		Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: spki},
	}))
}

// ChangeNode signs a change of membership, with its confirmation.
func (w *World) ChangeNode(change *entry.NodeChange) []*entry.Statement {
	w.tb.Helper()
	return w.two(w.Operators, w.Sign(w.Operators[0], entry.Draft{Kind: entry.KindNode, Body: change}))
}

// Author signs a suspend, resume or revoke by the first registrar. sub and
// jurisdiction are those of a device's enrolment, empty for anyone else.
func (w *World) Author(change *entry.AuthorChange, sub entry.Sub, jurisdiction string) *entry.Statement {
	w.tb.Helper()
	return w.Sign(w.Registrars[0], entry.Draft{Kind: entry.KindAuthor, Sub: sub, Jurisdiction: jurisdiction, Body: change})
}
