package commands

import (
	"time"

	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// parsed reads a name from the command line by the parser of its type.
func parsed[T any](parse func(string) (T, error), text, what string, digits string) (T, error) {
	value, err := parse(text)
	if err != nil {
		return value, say.Usage("give the "+digits+" lower-case hexadecimal digits that were printed for it", "this is not %s", what)
	}
	return value, nil
}

func parseStatementID(text string) (entry.StatementID, error) {
	return parsed(entry.ParseStatementID, text, "a statement id", "64")
}

func parseHandle(text string) (entry.Handle, error) {
	return parsed(entry.ParseHandle, text, "a handle", "32")
}

func parseAuthorID(text string) (entry.AuthorID, error) {
	return parsed(entry.ParseAuthorID, text, "an author id", "64")
}

func parseBinding(text string) (entry.BindingID, error) {
	return parsed(entry.ParseBindingID, text, "a binding", "32")
}

// each reads several of a kind.
func each[T any](parse func(string) (T, error), texts []string) ([]T, error) {
	var list []T
	for _, text := range texts {
		value, err := parse(text)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

// upto reads the newest statement that a revocation vouches for; "" names none.
func upto(text string) (*entry.StatementID, error) {
	if text == "" {
		return nil, nil
	}
	id, err := parseStatementID(text)
	return &id, err
}

// purposes are the purposes of use one may name (HL7 v3-ActReason).
const purposes = "TREAT (treatment), HPAYMT (payment), HOPERAT (operations), ETREAT (emergency), PUBHLTH (public health), " +
	"HRESCH (research), PATRQT (patient's request), HSYSADMIN (administration), HLEGAL (legal)"

func parsePurpose(text string) (entry.Purpose, error) {
	p, err := entry.ParsePurpose(text)
	if err != nil {
		return p, say.Usage("the purposes are "+purposes, "--purpose %q is none", text)
	}
	return p, nil
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

// certifiedKey is the key of a credential's certificate.
func certifiedKey(path string) (*entry.PublicKey, error) {
	const next = "name the cert.pem of a credential with --certificate"
	chain, err := credential.ReadCertificates(path)
	if err != nil {
		return nil, say.Usage(next, "the certificate cannot be read: %v", err)
	}
	key, err := entry.NewPublicKey(chain[0].PublicKey)
	if err != nil {
		return nil, say.Usage(next, "this key can be no author: %v", err)
	}
	return key, nil
}
