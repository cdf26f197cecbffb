package session

import (
	"context"
	"crypto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// SignEnrol signs the enrolment of a person's or a service's key. Registrars,
// operators, officers and consent services count only once another registrar
// has confirmed it.
func (s *Session) SignEnrol(key crypto.PublicKey, role entry.Role, jurisdictions []string) (*entry.Statement, error) {
	pub, err := entry.NewPublicKey(key)
	if err != nil {
		return nil, say.Local(err, "this key cannot be enrolled", "use a P-256 or Ed25519 key")
	}
	d, err := s.draft(entry.KindAuthor, "", &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: pub.SPKI(), Role: role, Jurisdictions: jurisdictions,
	})
	if err != nil {
		return nil, err
	}
	return s.sign(d)
}

// SignAuthorChange signs the suspension, resumption or revocation of a key. A
// device key keeps the handle and jurisdiction of its enrolment.
func (s *Session) SignAuthorChange(change *entry.AuthorChange, sub entry.Sub, jurisdiction string) (*entry.Statement, error) {
	d, err := s.draft(entry.KindAuthor, jurisdiction, change)
	if err != nil {
		return nil, err
	}
	d.Sub = sub
	return s.sign(d)
}

// SignCA signs the activation or withdrawal of an authority for devices.
func (s *Session) SignCA(action entry.CAAction, spki []byte) (*entry.Statement, error) {
	d, err := s.draft(entry.KindCA, "", &entry.CAChange{Action: action, Key: spki})
	if err != nil {
		return nil, err
	}
	return s.sign(d)
}

// SignConfirm signs the second signature under a statement of the given kind
// that has no sub.
func (s *Session) SignConfirm(kind entry.Kind, jurisdiction string, first entry.StatementID) (*entry.Statement, error) {
	d, err := s.draft(kind, jurisdiction, nil)
	if err != nil {
		return nil, err
	}
	d.Confirms = &first
	return s.sign(d)
}

// Govern appends a statement that has nothing sealed and touches no subject.
func (s *Session) Govern(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	answer, err := call(ctx, s, "", s.Ledger.AppendOpen, &indeliblev1.AppendOpenRequest{
		Statements: [][]byte{statement.Bytes()},
	})
	if err != nil {
		return nil, err
	}
	if len(answer.GetOutcomes()) != 1 {
		return nil, NotProven(errNoOutcome)
	}
	return s.settle(s.key, statement, answer.GetOutcomes()[0])
}
