package commands

import (
	"github.com/spf13/cobra"

	"indelible/api/client/credential"
	"indelible/cli/indelible/session"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newCA(a *app) *cobra.Command {
	return say.Group("ca", "Say which authorities' devices may be enrolled, as two registrars",
		newCAChange(a, "activate", "Accept devices certified by this authority", entry.CAActivate),
		newCAChange(a, "withdraw", "Accept no more devices certified by this authority", entry.CAWithdraw),
		newConfirm(a, entry.KindCA, "Confirm, as the second registrar, what another one has signed"))
}

func newCAChange(a *app, use, short string, action entry.CAAction) *cobra.Command {
	return &cobra.Command{
		Use: use + " CERTIFICATE", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			chain, err := credential.ReadCertificates(args[0])
			if err != nil {
				return say.Usage("name the certificate of the authority, in PEM", "the certificate cannot be read: %v", err)
			}
			return a.with(func(s *session.Session) error {
				statement, err := s.SignCA(action, chain[0].RawSubjectPublicKeyInfo)
				if err != nil {
					return err
				}
				return a.govern(cmd, s, statement, confirmNote("registrar", "ca", statement))
			})
		},
	}
}
