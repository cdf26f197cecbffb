package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func authorOf(id byte, role entry.Role) *ledger.Author {
	return &ledger.Author{ID: entry.AuthorID{id}, Role: role, State: ledger.AuthorActive}
}

// schema are the files of the schema that have services.
func schema() []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("indelible.v1", func(file protoreflect.FileDescriptor) bool {
		if file.Services().Len() > 0 {
			files = append(files, file)
		}
		return true
	})
	return files
}

// newEdge is an edge in front of nothing, with a registry of these authors.
func newEdge(t *testing.T, authors ...*ledger.Author) *Edge {
	t.Helper()
	e, err := New(Config{
		Placement: []string{"eu", "in"}, Services: schema(),
		Author: func(id entry.AuthorID) (*ledger.Author, bool, error) {
			for _, a := range authors {
				if a.ID == id {
					return a, true, nil
				}
			}
			return nil, false, nil
		},
		Placed:   func(string) *indeliblev1.Placement { return &indeliblev1.Placement{} },
		Ready:    func() bool { return true },
		Foreseen: func(error) (Answer, bool) { return Answer{}, false },
		Now:      time.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	return e
}

// newCertificate is one of a fresh key, by that key.
func newCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

// TestACallerPrintsNothingOfThePerson: name, address and agent are for the
// sealed audit part alone.
func TestACallerPrintsNothingOfThePerson(t *testing.T) {
	c := &Caller{Author: &ledger.Author{}, User: "canary", Address: "canary", Agent: "canary"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, "canary") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if text := c.LogValue().String(); strings.Contains(text, "canary") {
		t.Errorf("logs %s", text)
	}
}

// TestTextsAreCutToSize at a character.
func TestTextsAreCutToSize(t *testing.T) {
	agent := strings.Repeat("\u20ac", maxAgentBytes) + "\xff"
	if text := cut(agent, maxAgentBytes); len(text) > maxAgentBytes || !utf8.ValidString(text) || len(text) < maxAgentBytes-3 {
		t.Fatalf("cut to %d bytes", len(text))
	}
}
