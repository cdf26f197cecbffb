package commands

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client/credential"
	"indelible/cli/indelible/session"
	"indelible/cli/say"
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
				return a.enrolled(cmd, s, statement, twoPeople[r])
			})
		},
	}
	cmd.Flags().StringVar(&cert, "certificate", "", "certificate of the key to enrol")
	cmd.Flags().StringVar(&role, "role", "", "what the key may do")
	cmd.Flags().StringSliceVar(&jurisdictions, "jurisdiction", nil, "where it may do so (repeat)")
	return required(cmd, "certificate", "role", "jurisdiction")
}

// confirmNote tells what is still missing, and from whom.
func confirmNote(who, group string, s *entry.Statement) string {
	return "It has no effect yet. Another " + who + " has to run:\n  indelible " + group + " confirm " + s.ID().String()
}

// jsonAuthor is an enrolled key.
type jsonAuthor struct {
	jsonEntry
	Author string `json:"author"` // by which the log knows it; suspend and revoke take it
}

// enrolled keeps, appends and prints an enrolment, with the name the log has for
// the key: whoever has to revoke it one day needs that.
func (a *app) enrolled(cmd *cobra.Command, s *session.Session, statement *entry.Statement, two bool) error {
	if err := a.keepStatement(statement); err != nil {
		return err
	}
	e, err := s.Govern(cmd.Context(), statement)
	if err == nil {
		err = a.keepReceipt(e)
	}
	if err != nil {
		return err
	}
	author, err := enrolledKey(statement)
	if err != nil {
		return err
	}
	note := "The log knows the key as author " + author.String() + "."
	if two {
		note += "\n" + confirmNote("registrar", "author", statement)
	}
	return a.Result(jsonAuthor{toJSON(e), author.String()}, func(w io.Writer) error { return writeEntry(w, e, note) })
}

// enrolledKey is the author id of the key a statement enrols.
func enrolledKey(statement *entry.Statement) (entry.AuthorID, error) {
	change, ok := statement.Body.(*entry.AuthorChange)
	if !ok {
		return entry.AuthorID{}, say.Local(errNoKey, "the enrolment cannot be read back", "fetch the entry with indelible get")
	}
	key, err := entry.ParsePublicKey(change.Key)
	if err != nil {
		return entry.AuthorID{}, say.Local(err, "the key cannot be read back", "fetch the entry with indelible get")
	}
	return key.Author(), nil
}

var errNoKey = errors.New("it enrols no key")

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
	var upto, cert string
	cmd := &cobra.Command{
		Use:   use + " AUTHOR | --certificate FILE",
		Short: short,
		Long: short + `. The key is named by the author id that
author enrol printed, or by its certificate. Keys of devices: see indelible device ` + use + `.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := namedAuthor(args, cert)
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
					note = "If the key is of a registrar, operator, officer or consent service, this has no effect yet:\n" +
						strings.TrimPrefix(confirmNote("registrar", "author", statement), "It has no effect yet. ")
				}
				return a.govern(cmd, s, statement, note)
			})
		},
	}
	cmd.Flags().StringVar(&cert, "certificate", "", "certificate of the key, instead of its author id")
	if action == entry.AuthorRevoke {
		cmd.Flags().StringVar(&upto, "upto", "", "newest statement of the key that still counts")
	}
	return cmd
}

// namedAuthor is the author named by its id or by its certificate.
func namedAuthor(args []string, cert string) (entry.AuthorID, error) {
	if (len(args) == 1) == (cert != "") {
		return entry.AuthorID{}, say.Usage("give one of the two", "the key is named by its author id or by --certificate")
	}
	if cert == "" {
		return parseAuthorID(args[0])
	}
	chain, err := credential.ReadCertificates(cert)
	if err != nil {
		return entry.AuthorID{}, say.Usage("name the cert.pem of a credential with --certificate", "the certificate cannot be read: %v", err)
	}
	key, err := entry.NewPublicKey(chain[0].PublicKey)
	if err != nil {
		return entry.AuthorID{}, say.Usage("name the cert.pem of a credential with --certificate", "this key can be no author: %v", err)
	}
	return key.Author(), nil
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
