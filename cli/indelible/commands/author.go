package commands

import (
	"strings"

	"github.com/spf13/cobra"

	"indelible/cli/indelible/credential"
	"indelible/cli/indelible/say"
	"indelible/cli/indelible/session"
	"indelible/ledger/entry"
)

func newAuthor(a *app) *cobra.Command {
	return say.Group("author", "Enrol people and services, as a registrar",
		newAuthorEnrol(a), newConfirm(a, entry.KindAuthor, "Confirm, as the second registrar, what another one has signed"),
		newAuthorState(a, "suspend", "Suspend a key: it may not write or ask until it is resumed", entry.AuthorSuspend),
		newAuthorState(a, "resume", "Resume a suspended key", entry.AuthorResume),
		newAuthorState(a, "revoke", "Revoke a key for good", entry.AuthorRevoke))
}

// twoPeople are the roles whose enrolment counts only once it is confirmed.
var twoPeople = map[entry.Role]bool{
	entry.RoleRegistrar: true, entry.RoleOperator: true, entry.RoleOfficer: true, entry.RoleConsentService: true,
}

func newAuthorEnrol(a *app) *cobra.Command {
	var role, cert string
	var jurisdictions []string
	cmd := &cobra.Command{
		Use:   "enrol --certificate FILE --role ROLE --jurisdiction J…",
		Short: "Enrol the key of a certificate",
		Long: `Enrol the key of a person or a service, by its certificate. The roles are registrar, operator,
officer, consent-service, service, auditor and clinician. The first four count only once a second
registrar has run: indelible author confirm STATEMENT`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := entry.ParseRole(role)
			if err != nil || r == entry.RoleDevice || r == entry.RoleNode {
				return say.Usage("see indelible author enrol --help", "--role %q is none that is enrolled so", role)
			}
			chain, err := credential.ReadCertificates(cert)
			if err != nil {
				return say.Usage("name the cert.pem of a credential with --certificate", "the certificate cannot be read: %v", err)
			}
			return a.with(func(s *session.Session) error {
				statement, err := s.SignEnrol(chain[0].PublicKey, r, jurisdictions)
				if err != nil {
					return err
				}
				return a.govern(cmd, s, statement, confirmNote("author", statement, twoPeople[r]))
			})
		},
	}
	cmd.Flags().StringVar(&cert, "certificate", "", "certificate of the key to enrol")
	cmd.Flags().StringVar(&role, "role", "", "what the key may do")
	cmd.Flags().StringSliceVar(&jurisdictions, "jurisdiction", nil, "where it may do so (repeat)")
	return required(cmd, "certificate", "role", "jurisdiction")
}

// confirmNote tells what is still missing.
func confirmNote(group string, s *entry.Statement, two bool) string {
	if !two {
		return ""
	}
	return "It has no effect yet. Another registrar has to run:\n  indelible " + group + " confirm " + s.ID().String()
}

// govern keeps, appends and prints a statement with nothing sealed.
func (a *app) govern(cmd *cobra.Command, s *session.Session, statement *entry.Statement, note string) error {
	if err := a.keepStatement(statement); err != nil {
		return err
	}
	e, err := s.Govern(cmd.Context(), statement)
	if err != nil {
		return err
	}
	return a.appended(e, note)
}

// newConfirm is the second signature under a statement of a kind.
func newConfirm(a *app, kind entry.Kind, short string) *cobra.Command {
	return &cobra.Command{
		Use: "confirm STATEMENT", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			first, err := parseStatementID(args[0])
			if err != nil {
				return err
			}
			return a.with(func(s *session.Session) error {
				statement, err := s.SignConfirm(kind, "", first)
				if err != nil {
					return err
				}
				return a.govern(cmd, s, statement, "")
			})
		},
	}
}

func newAuthorState(a *app, use, short string, action entry.AuthorAction) *cobra.Command {
	var upto string
	cmd := &cobra.Command{
		Use: use + " AUTHOR", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseAuthorID(args[0])
			if err != nil {
				return err
			}
			change := &entry.AuthorChange{Action: action, Author: id}
			if upto != "" {
				newest, err := parseStatementID(upto)
				if err != nil {
					return err
				}
				change.Upto = &newest
			}
			return a.with(func(s *session.Session) error {
				statement, err := s.SignAuthorChange(change, entry.Sub{}, "")
				if err != nil {
					return err
				}
				note := ""
				if action == entry.AuthorResume {
					note = "If the key is of a registrar, operator, officer or consent service, it has no effect yet:\n" +
						strings.TrimPrefix(confirmNote("author", statement, true), "It has no effect yet. ")
				}
				return a.govern(cmd, s, statement, note)
			})
		},
	}
	if action == entry.AuthorRevoke {
		cmd.Flags().StringVar(&upto, "upto", "", "newest statement of the key that still counts")
	}
	return cmd
}

// required marks flags without which a command cannot run.
func required(cmd *cobra.Command, names ...string) *cobra.Command {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a name no flag has: a mistake in this program
		}
	}
	return cmd
}
