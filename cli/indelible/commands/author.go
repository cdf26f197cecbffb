package commands

import (
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client/credential"
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

func newAuthorEnrol(a *app) *cobra.Command {
	var role, cert string
	var jurisdictions []string
	cmd := a.writes("enrol --certificate FILE --role ROLE --jurisdiction J…", "Enrol the key of a certificate", "", cobra.NoArgs,
		func([]string) (*written, error) {
			r, err := entry.ParseRole(role)
			if err != nil || r == entry.RoleDevice || r == entry.RoleNode {
				return nil, say.Usage("see indelible author enrol --help", "--role %q is none that is enrolled so", role)
			}
			key, err := certifiedKey(cert)
			if err != nil {
				return nil, err
			}
			w := &written{
				draft: entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
					Action: entry.AuthorEnrol, Key: key.SPKI(), Role: r, Jurisdictions: jurisdictions,
				}},
				also: jsonEntry{Author: key.Author().String()},
				note: "The log knows the key as author " + key.Author().String() + ".",
			}
			if r.NeedsTwo() {
				w.note += "\n" + confirmNote("registrar", "author")
			}
			return w, nil
		})
	cmd.Long = `Enrol the key of a person or a service, by its certificate. The roles are registrar, operator,
officer, consent-service, service, auditor and clinician. The first four count only once a second
registrar has run: indelible author confirm STATEMENT`
	cmd.Flags().StringVar(&cert, "certificate", "", "certificate of the key to enrol")
	cmd.Flags().StringVar(&role, "role", "", "what the key may do")
	cmd.Flags().StringSliceVar(&jurisdictions, "jurisdiction", nil, "where it may do so (repeat)")
	return required(cmd, "certificate", "role", "jurisdiction")
}

func newAuthorState(a *app, use, short string, action entry.AuthorAction) *cobra.Command {
	var newest, cert string
	cmd := a.writes(use+" AUTHOR | --certificate FILE", short, `The key is named by the author id that
author enrol printed, or by its certificate. Keys of devices: see indelible device `+use+`.`, cobra.MaximumNArgs(1),
		func(args []string) (*written, error) {
			change := &entry.AuthorChange{Action: action}
			var err error
			if change.Author, err = namedAuthor(args, cert); err != nil {
				return nil, err
			}
			change.Upto, err = upto(newest)
			w := &written{draft: entry.Draft{Kind: entry.KindAuthor, Body: change}}
			if action == entry.AuthorResume {
				w.note = "If the key is of a registrar, operator, officer or consent service, this has no effect yet:\n" +
					strings.TrimPrefix(confirmNote("registrar", "author"), "It has no effect yet. ")
			}
			return w, err
		})
	cmd.Flags().StringVar(&cert, "certificate", "", "certificate of the key, instead of its author id")
	if action == entry.AuthorRevoke {
		cmd.Flags().StringVar(&newest, "upto", "", "newest statement of the key that still counts")
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
	key, err := certifiedKey(cert)
	if err != nil {
		return entry.AuthorID{}, err
	}
	return key.Author(), nil
}

func newCA(a *app) *cobra.Command {
	return say.Group("ca", "Say which authorities' devices may be enrolled, as two registrars",
		newCAChange(a, "activate", "Accept devices certified by this authority", entry.CAActivate),
		newCAChange(a, "withdraw", "Accept no more devices certified by this authority", entry.CAWithdraw),
		newConfirm(a, entry.KindCA, "Confirm, as the second registrar, what another one has signed"))
}

func newCAChange(a *app, use, short string, action entry.CAAction) *cobra.Command {
	return a.writes(use+" CERTIFICATE", short, "", cobra.ExactArgs(1), func(args []string) (*written, error) {
		chain, err := credential.ReadCertificates(args[0])
		if err != nil {
			return nil, say.Usage("name the certificate of the authority, in PEM", "the certificate cannot be read: %v", err)
		}
		return &written{
			draft: entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: action, Key: chain[0].RawSubjectPublicKeyInfo}},
			note:  confirmNote("registrar", "ca"),
		}, nil
	})
}
