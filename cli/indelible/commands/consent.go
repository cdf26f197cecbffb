package commands

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"indelible/cli/indelible/session"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// consentFlags are the command line of consent record and consent withdraw.
type consentFlags struct {
	jurisdiction, basis, form, from, to string
	purposes                            []string
	signed, signedType                  string
}

func newConsent(a *app) *cobra.Command {
	return say.Group("consent", "Record what a person consents to, or withdraws, as the consent service or an officer",
		newConsentChange(a, "record", "Record a person's consent", entry.ConsentGrant),
		newConsentChange(a, "withdraw", "Record that a person withdraws a consent", entry.ConsentWithdraw))
}

func newConsentChange(a *app, use, short string, action entry.ConsentAction) *cobra.Command {
	var f consentFlags
	cmd := &cobra.Command{
		Use:   use + " HANDLE --jurisdiction J --purpose P… --form FILE",
		Short: short,
		Long: short + `. The entry names the purposes, the legal basis and the version of the
form by its hash; it becomes effective before it is acknowledged: a read that was decided before is
not released after. What the person signed can be enclosed with --signed: it is sealed, and an
erasure of the person's identity destroys it.

Purposes: ` + purposes + `.
Bases: ` + bases + `.
Instants are written 2026-03-01 or 2026-03-01T08:00:00Z.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := parseHandle(args[0])
			if err != nil {
				return err
			}
			c, err := f.consent(h, action)
			if err != nil {
				return err
			}
			return a.with(func(s *session.Session) error { return a.consent(cmd, s, c, f.from == "") })
		},
	}
	cmd.Flags().StringVar(&f.jurisdiction, "jurisdiction", "", "jurisdiction of the handle")
	cmd.Flags().StringSliceVar(&f.purposes, "purpose", nil, "what for (repeat)")
	cmd.Flags().StringVar(&f.form, "form", "", "the form as it was shown to the person, not filled in: its hash names the version")
	cmd.Flags().StringVar(&f.basis, "basis", entry.BasisExplicitConsent.String(), "legal basis")
	cmd.Flags().StringVar(&f.from, "from", "", "from when (default: now)")
	cmd.Flags().StringVar(&f.signed, "signed", "", "what the person signed, to be sealed with the entry")
	cmd.Flags().StringVar(&f.signedType, "signed-type", "application/pdf", "media type of that")
	if action == entry.ConsentGrant {
		cmd.Flags().StringVar(&f.to, "to", "", "until when (default: until withdrawn)")
	}
	return required(cmd, "jurisdiction", "purpose", "form")
}

// bases are the legal bases one may name.
const bases = "explicit-consent, vital-interests, legal-obligation, public-interest, provision-of-care, public-health, " +
	"research, treatment-payment-operations, authorization, legitimate-use"

func (f consentFlags) consent(h entry.Handle, action entry.ConsentAction) (session.Consent, error) {
	c := session.Consent{Handle: h, Jurisdiction: f.jurisdiction, Change: &entry.Consent{Action: action}}
	for _, text := range f.purposes {
		p, err := parsePurpose(text)
		if err != nil {
			return c, err
		}
		c.Change.Purposes = append(c.Change.Purposes, p)
	}
	slices.Sort(c.Change.Purposes)
	c.Change.Purposes = slices.Compact(c.Change.Purposes)
	var err error
	if c.Change.Basis, err = entry.ParseBasis(f.basis); err != nil {
		return c, say.Usage("the bases are "+bases, "--basis %q is none", f.basis)
	}
	if err := f.period(c.Change); err != nil {
		return c, err
	}
	form, err := readFile(f.form, "the form, as a file")
	if err != nil {
		return c, err
	}
	c.Change.Document = sha256.Sum256(form)
	if f.signed != "" {
		document, err := readFile(f.signed, "what the person signed, as a file")
		if err != nil {
			return c, err
		}
		c.Document = &ingest.Content{MediaType: f.signedType, Bytes: document}
	}
	return c, nil
}

func (f consentFlags) period(c *entry.Consent) error {
	if f.from != "" {
		from, err := parseInstant("--from", f.from)
		if err != nil {
			return err
		}
		c.From = from
	}
	if f.to == "" {
		return nil
	}
	to, err := parseInstant("--to", f.to)
	if err != nil {
		return err
	}
	if to <= c.From {
		return say.Usage("give an instant after --from", "--to is not after --from")
	}
	c.To = &to
	return nil
}

// parseInstant reads a date or an instant as Unix milliseconds.
func parseInstant(flag, text string) (uint64, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.UnixMilli() > 0 {
			return uint64(at.UnixMilli()), nil
		}
	}
	return 0, say.Usage("write it as 2026-03-01 or 2026-03-01T08:00:00Z", "%s is not an instant", flag)
}

// consent signs, keeps and appends. A period that was not given begins now.
func (a *app) consent(cmd *cobra.Command, s *session.Session, c session.Consent, now bool) error {
	var err error
	if c.Change.Regime, err = s.Regime(c.Jurisdiction); err != nil {
		return err
	}
	if now {
		c.Change.From = s.Now()
	}
	if c.Change.To != nil && *c.Change.To <= c.Change.From {
		return say.Usage("give a later --to, or an earlier --from", "--to is in the past")
	}
	signed, err := s.SignConsent(c)
	if err == nil {
		err = a.keepSigned(signed)
	}
	if err != nil {
		return err
	}
	e, err := s.Append(cmd.Context(), signed)
	if err != nil {
		return err
	}
	note := "Withdraw it: indelible consent withdraw " + c.Handle.String() + " --jurisdiction " + c.Jurisdiction + " --purpose P --form FILE"
	if c.Change.Action == entry.ConsentWithdraw {
		note = "No read that was decided before this is released any more."
	}
	return a.appended(e, note)
}
