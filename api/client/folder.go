package client

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"indelible/api/client/credential"
	"indelible/ledger/entry"
)

// The names of kept files: <name>.cose is what was signed, <name>.tlog-proof the
// proof that it is in the log, <name>.<class>.opening what opens its sealed parts.
const (
	StatementSuffix = ".cose"
	ReceiptSuffix   = ".tlog-proof"
	OpeningSuffix   = ".opening"
)

// Folder keeps statements before they are sent, and their receipts after, as files
// named by statement id. Its methods Journal and Keep fit Config.
type Folder struct{ Dir string }

// Journal writes what was signed and waits until it is on disk. Openings open
// health data: only their owner may read them.
func (f Folder) Journal(list []*Signed) error {
	for _, s := range list {
		if err := WriteSigned(filepath.Join(f.Dir, s.Statement.ID().String()), s); err != nil {
			return err
		}
	}
	return nil
}

// Keep writes what was proven: the statement as it stands in the log, and its
// receipt.
func (f Folder) Keep(outcomes []Outcome) error {
	for _, o := range outcomes {
		if err := WriteProven(filepath.Join(f.Dir, o.Proven.Statement.ID().String()), o.Proven); err != nil {
			return err
		}
	}
	return nil
}

// WriteSigned writes a statement and its openings under a base name, the openings
// first: a statement that is there can be sent.
func WriteSigned(base string, s *Signed) error {
	for _, o := range s.Openings {
		if err := credential.WriteSecret(base+"."+o.Class.String()+OpeningSuffix, o.Encoded); err != nil {
			return err
		}
	}
	return credential.WritePublic(base+StatementSuffix, s.Statement.Bytes())
}

// WriteProven writes a statement and its receipt under a base name.
func WriteProven(base string, p *Proven) error {
	return errors.Join(
		credential.WritePublic(base+StatementSuffix, p.Statement.Bytes()),
		credential.WritePublic(base+ReceiptSuffix, p.Receipt.Marshal()),
	)
}

// ReadOpenings adds the openings that lie beside a statement's file to it.
func ReadOpenings(path string, s *Signed) error {
	base := strings.TrimSuffix(path, StatementSuffix)
	for class := entry.ClassClinical; class <= entry.ClassSeries; class++ {
		raw, err := os.ReadFile(base + "." + class.String() + OpeningSuffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.Openings = append(s.Openings, Opening{Class: class, Encoded: raw})
	}
	return nil
}
