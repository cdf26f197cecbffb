package session

import (
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// Consent is a person's consent, or its withdrawal, about to be signed.
type Consent struct {
	Handle       entry.Handle
	Jurisdiction string
	Change       *entry.Consent
	Document     *ingest.Content // what the person signed; nil: it is kept elsewhere
}

// SignConsent signs a consent. The person's document, if one is enclosed, is
// sealed: the log gets a commitment to it.
func (s *Session) SignConsent(c Consent) (*ingest.Signed, error) {
	if c.Document != nil {
		return s.signSealed(sealed{
			kind: entry.KindConsent, sub: entry.SubOfHandle(c.Handle), jurisdiction: c.Jurisdiction,
			class: entry.ClassIdentity, mediaType: c.Document.MediaType, content: c.Document.Bytes, body: c.Change,
		})
	}
	d, err := s.draft(entry.KindConsent, c.Jurisdiction, c.Change)
	if err != nil {
		return nil, err
	}
	d.Sub = entry.SubOfHandle(c.Handle)
	statement, err := s.sign(d)
	if err != nil {
		return nil, err
	}
	return &ingest.Signed{Statement: statement, Author: s.key}, nil
}

// Regime is the regime of a jurisdiction, which stands in the pinned genesis.
func (s *Session) Regime(jurisdiction string) (entry.Regime, error) {
	genesis, ok := s.Credential.Genesis.Body.(*entry.Genesis)
	if !ok {
		return 0, say.Usage("name a folder made by indelibled init", "the credential in %s has no genesis", s.Credential.Dir)
	}
	known := ""
	for _, rule := range genesis.Jurisdictions {
		if rule.Name == jurisdiction {
			return rule.Regime, nil
		}
		known += " " + rule.Name
	}
	return 0, say.Usage("the jurisdictions of this log are:"+known, "this log has no such jurisdiction")
}
