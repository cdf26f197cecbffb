package quickstart

import (
	"context"

	"indelible/api/client/credential"
	"indelible/cli/indelibled/founding"
	"indelible/ledger/entry"
)

// The jurisdictions of a quickstart, in which its subjects alternate.
const (
	firstJurisdiction  = "eu"
	secondJurisdiction = "us"
)

// enrolHolders activates the authority of devices and enrols those who are not in
// genesis.
func (s *show) enrolHolders(ctx context.Context) error {
	s.scene("Two registrars enrol the others; what needs two people is signed by both")
	path, _ := s.site.DeviceCA()
	authority, err := credential.ReadCertificates(path)
	if err != nil {
		return unusable(err, "the authority of devices")
	}
	err = s.register(ctx, "authority of device certificates", "ca", true,
		&entry.CAChange{Action: entry.CAActivate, Key: authority[0].RawSubjectPublicKeyInfo})
	for _, h := range founding.Holders {
		if err != nil {
			return err
		}
		if h.Role == entry.RoleRegistrar || h.Role == entry.RoleOperator {
			continue
		}
		err = s.register(ctx, h.Name, "enrol "+h.Name, h.Role.NeedsTwo(), &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: s.roles[h.Name].Public().SPKI(), Role: h.Role,
			Jurisdictions: []string{firstJurisdiction, secondJurisdiction},
		})
	}
	return err
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
