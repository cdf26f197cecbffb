package commands

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/cli/say"
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
	cmd := a.writes(use+" HANDLE --jurisdiction J --purpose P… --form FILE", short,
		`The entry names the purposes, the legal basis and the version of the
form by its hash; it becomes effective before it is acknowledged: a read that was decided before is
not released after. What the person signed can be enclosed with --signed: it is sealed, and an
erasure of the person's identity destroys it.

Purposes: `+purposes+`.
Bases: `+bases+`.
Instants are written 2026-03-01 or 2026-03-01T08:00:00Z.`, cobra.ExactArgs(1),
		func(args []string) (*written, error) {
			h, err := parseHandle(args[0])
			if err != nil {
				return nil, err
			}
			return f.written(h, action)
		})
	inJurisdiction(cmd, &f.jurisdiction, "of the handle")
	cmd.Flags().StringSliceVar(&f.purposes, "purpose", nil, "what for (repeat)")
	cmd.Flags().StringVar(&f.form, "form", "", "the form as it was shown to the person, not filled in: its hash names the version")
	cmd.Flags().StringVar(&f.basis, "basis", entry.BasisExplicitConsent.String(), "legal basis")
	cmd.Flags().StringVar(&f.from, "from", "", "from when (default: now)")
	cmd.Flags().StringVar(&f.signed, "signed", "", "what the person signed, to be sealed with the entry")
	cmd.Flags().StringVar(&f.signedType, "signed-type", "application/pdf", "media type of that")
	if action == entry.ConsentGrant {
		cmd.Flags().StringVar(&f.to, "to", "", "until when (default: until withdrawn)")
	}
	return required(cmd, "purpose", "form")
}

// bases are the legal bases one may name.
const bases = "explicit-consent, vital-interests, legal-obligation, public-interest, provision-of-care, public-health, " +
	"research, treatment-payment-operations, authorization, legitimate-use"

func (f consentFlags) written(h entry.Handle, action entry.ConsentAction) (*written, error) {
	list, err := each(parsePurpose, f.purposes)
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	change := &entry.Consent{Action: action, Purposes: slices.Compact(list)}
	if change.Basis, err = entry.ParseBasis(f.basis); err != nil {
		return nil, say.Usage("the bases are "+bases, "--basis %q is none", f.basis)
	}
	if err := f.period(change); err != nil {
		return nil, err
	}
	form, err := readFile(f.form, "the form, as a file")
	if err != nil {
		return nil, err
	}
	change.Document = sha256.Sum256(form)
	w := &written{
		draft: entry.Draft{Kind: entry.KindConsent, Sub: entry.SubOfHandle(h), Jurisdiction: f.jurisdiction, Body: change},
		note:  "Withdraw it: indelible consent withdraw " + h.String() + " --jurisdiction " + f.jurisdiction + " --purpose P --form FILE",
		complete: func(_ context.Context, c *client.Caller, _ *written) error {
			return f.complete(c, change)
		},
	}
	if action == entry.ConsentWithdraw {
		w.note = "No read that was decided before this is released any more."
	}
	if f.signed != "" {
		document, err := readFile(f.signed, "what the person signed, as a file")
		if err != nil {
			return nil, err
		}
		w.sealed = map[entry.Class]client.Content{entry.ClassIdentity: {MediaType: f.signedType, Bytes: document}}
	}
	return w, nil
}

func (f consentFlags) period(c *entry.Consent) (err error) {
	if f.from != "" {
		if c.From, err = parseInstant("--from", f.from); err != nil {
			return err
		}
	}
	if f.to == "" {
		return nil
	}
	to, err := parseInstant("--to", f.to)
	if err == nil && to <= c.From {
		err = say.Usage("give an instant after --from", "--to is not after --from")
	}
	c.To = &to
	return err
}

// complete takes the regime from the log's genesis. A period whose beginning was not
// given begins now.
func (f consentFlags) complete(c *client.Caller, change *entry.Consent) (err error) {
	if change.Regime, err = regime(c.Credential, f.jurisdiction); err != nil {
		return err
	}
	if f.from == "" {
		change.From = c.Now()
	}
	if change.To != nil && *change.To <= change.From {
		return say.Usage("give a later --to, or an earlier --from", "--to is in the past")
	}
	return nil
}
