package quickstart

import (
	"context"

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

// person is one of those who are enrolled at the beginning.
type person struct {
	name string
	role entry.Role
	two  bool // counts only once a second registrar has confirmed it
}

var people = []person{
	{founding.Officer1, entry.RoleOfficer, true},
	{founding.Officer2, entry.RoleOfficer, true},
	{founding.ConsentService, entry.RoleConsentService, true},
	{founding.Service, entry.RoleService, false},
	{founding.Clinician, entry.RoleClinician, false},
	{founding.Auditor, entry.RoleAuditor, false},
}

// enrolEveryone activates the authority of devices and enrols the people.
func (s *show) enrolEveryone(ctx context.Context) error {
	s.scene("Two registrars enrol the others; what needs two people is signed by both")
	if err := s.activateCA(ctx); err != nil {
		return err
	}
	for _, p := range people {
		if err := s.enrol(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *show) activateCA(ctx context.Context) error {
	path, _ := s.site.DeviceCA()
	chain, err := credential.ReadCertificates(path)
	if err != nil {
		return say.Local(err, "the authority of devices cannot be read", "correct that, or begin again in another directory")
	}
	registrar := s.roles[founding.Registrar1]
	first, err := s.once("ca", func() (*entry.Statement, error) {
		return registrar.SignCA(entry.CAActivate, chain[0].RawSubjectPublicKeyInfo)
	})
	if err != nil {
		return err
	}
	return s.govern(ctx, "authority of device certificates", "ca", first, true)
}

func (s *show) enrol(ctx context.Context, p person) error {
	chain, err := credential.ReadCertificates(s.certificate(p.name))
	if err != nil {
		return say.Local(err, "the certificate of "+p.name+" cannot be read", "correct that, or begin again in another directory")
	}
	first, err := s.once("enrol "+p.name, func() (*entry.Statement, error) {
		return s.roles[founding.Registrar1].SignEnrol(chain[0].PublicKey, p.role, []string{firstJurisdiction, secondJurisdiction})
	})
	if err != nil {
		return err
	}
	return s.govern(ctx, p.name, "enrol "+p.name, first, p.two)
}

// govern appends a registrar's statement and, where it takes two, the other
// registrar's confirmation.
func (s *show) govern(ctx context.Context, what, key string, first *entry.Statement, two bool) error {
	e, err := s.keep(s.roles[founding.Registrar1].Govern(ctx, first))
	if err != nil {
		return err
	}
	if !two {
		s.tell("  entry %d: %s enrolled", e.Index, what)
		return nil
	}
	other := s.roles[founding.Registrar2]
	second, err := s.once("confirm "+key, func() (*entry.Statement, error) {
		return other.SignConfirm(first.Kind, "", first.ID())
	})
	if err != nil {
		return err
	}
	confirmed, err := s.keep(other.Govern(ctx, second))
	if err != nil {
		return err
	}
	s.tell("  entries %d and %d: %s enrolled, and confirmed by the second registrar", e.Index, confirmed.Index, what)
	return nil
}
