package quickstart

import (
	"context"
	"crypto/x509"

	"indelible/api/client/credential"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// The jurisdictions of a quickstart, in which its subjects alternate.
const (
	firstJurisdiction  = "eu"
	secondJurisdiction = "us"
)

// people are those who are enrolled at the beginning.
var people = []struct {
	name string
	role entry.Role
}{
	{founding.Officer1, entry.RoleOfficer},
	{founding.Officer2, entry.RoleOfficer},
	{founding.ConsentService, entry.RoleConsentService},
	{founding.Service, entry.RoleService},
	{founding.Clinician, entry.RoleClinician},
	{founding.Auditor, entry.RoleAuditor},
}

// enrolEveryone activates the authority of devices and enrols the people.
func (s *show) enrolEveryone(ctx context.Context) error {
	s.scene("Two registrars enrol the others; what needs two people is signed by both")
	path, _ := s.site.DeviceCA()
	authority, err := readCertificate(path, "the authority of devices")
	if err != nil {
		return err
	}
	err = s.register(ctx, "authority of device certificates", "ca", true,
		&entry.CAChange{Action: entry.CAActivate, Key: authority.RawSubjectPublicKeyInfo})
	if err != nil {
		return err
	}
	for _, p := range people {
		cert, err := readCertificate(s.certificate(p.name), "the certificate of "+p.name)
		if err != nil {
			return err
		}
		err = s.register(ctx, p.name, "enrol "+p.name, p.role.NeedsTwo(), &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: cert.RawSubjectPublicKeyInfo, Role: p.role,
			Jurisdictions: []string{firstJurisdiction, secondJurisdiction},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func readCertificate(path, what string) (*x509.Certificate, error) {
	chain, err := credential.ReadCertificates(path)
	if err != nil {
		return nil, say.Local(err, what+" cannot be read", "correct that, or begin again in another directory")
	}
	return chain[0], nil
}

// register appends a registrar's statement and, where it takes two, the other
// registrar's confirmation.
func (s *show) register(ctx context.Context, what, key string, two bool, body entry.Body) error {
	first, err := s.write(ctx, founding.Registrar1, key, entry.Draft{Kind: body.Kind(), Body: body}, nil)
	if err != nil {
		return err
	}
	if !two {
		s.tell("  entry %d: %s enrolled", first.Receipt.Index, what)
		return nil
	}
	id := first.Statement.ID()
	second, err := s.write(ctx, founding.Registrar2, "confirm "+key, entry.Draft{Kind: body.Kind(), Confirms: &id}, nil)
	if err != nil {
		return err
	}
	s.tell("  entries %d and %d: %s enrolled, and confirmed by the second registrar", first.Receipt.Index, second.Receipt.Index, what)
	return nil
}
