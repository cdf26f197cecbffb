package founding_test

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"indelible/api/client/credential"
	"indelible/cli/indelibled/founding"
	"indelible/ledger/entry"
)

func spec(dir string) founding.Spec {
	return founding.Spec{
		Dir: dir, Listen: "127.0.0.1:7443", Now: time.Now, Rand: rand.Reader,
		Jurisdictions: []entry.JurisdictionRule{
			founding.Rule("eu", entry.RegimeGDPR), founding.Rule("us", entry.RegimeHIPAA),
		},
	}
}

func TestEveryCredentialOfAFoundingBelongsToItsLog(t *testing.T) {
	site, err := founding.Found(spec(filepath.Join(t.TempDir(), "log")))
	if err != nil {
		t.Fatal(err)
	}
	id, err := site.LogID()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[entry.AuthorID]string{}
	for _, name := range []string{
		founding.Registrar1, founding.Registrar2, founding.Operator1, founding.Operator2, founding.Officer1,
		founding.Officer2, founding.ConsentService, founding.Service, founding.Clinician, founding.Auditor,
	} {
		c, err := credential.Load(site.Credential(name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.LogID() != id {
			t.Errorf("%s is for another log", name)
		}
		if _, err := c.Chain[0].Verify(x509.VerifyOptions{Roots: c.CA, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Errorf("%s: the certificate does not verify: %v", name, err)
		}
		if other, ok := seen[c.Author]; ok {
			t.Errorf("%s and %s share a key", name, other)
		}
		seen[c.Author] = name
	}
	first, err := credential.Load(site.Credential(founding.Registrar1))
	if err != nil {
		t.Fatal(err)
	}
	if first.Genesis.Author != first.Author {
		t.Error("genesis is not signed by the first registrar")
	}
}

func TestPrivateKeysAreForTheirOwnerAlone(t *testing.T) {
	site, err := founding.Found(spec(filepath.Join(t.TempDir(), "log")))
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	err = filepath.WalkDir(site.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "PRIVATE KEY") && !strings.Contains(string(text), "SEED") {
			return err
		}
		keys++
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if keys != 2+5+10 {
		t.Errorf("%d private keys, want two authorities, five of the node, ten credentials", keys)
	}
	path := filepath.Join(site.Credential(founding.Officer1), credential.KeyFile)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := credential.Load(site.Credential(founding.Officer1)); !errors.Is(err, credential.ErrPermissions) {
		t.Errorf("a key others may read was taken: %v", err)
	}
}

func TestAnInterruptedFoundingIsBegunAgainAndAFinishedOneIsNot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	site, err := founding.Found(spec(dir))
	if err != nil {
		t.Fatal(err)
	}
	before, err := site.LogID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := founding.Found(spec(dir)); !errors.Is(err, founding.ErrNotEmpty) {
		t.Fatalf("a finished founding was touched: %v", err)
	}
	if err := credential.WritePublic(filepath.Join(dir, ".founding"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := founding.Found(spec(dir)); err != nil {
		t.Fatal(err)
	}
	after, err := site.LogID()
	if err != nil {
		t.Fatal(err)
	}
	if before == after {
		t.Error("the interrupted founding was kept")
	}
	if condition, err := founding.Inspect(dir); err != nil || condition != founding.Founded {
		t.Errorf("condition %v, error %v", condition, err)
	}
}

func TestADirectoryOfSomethingElseIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := founding.Found(spec(dir)); !errors.Is(err, founding.ErrNotEmpty) {
		t.Fatalf("got %v", err)
	}
}

func TestParseRule(t *testing.T) {
	rule, err := founding.ParseRule("eu=gdpr,grace=1h,clinical=2h,identity=3h,audit=4h")
	if err != nil {
		t.Fatal(err)
	}
	hour := uint64(time.Hour / time.Millisecond)
	want := entry.JurisdictionRule{
		Name: "eu", Regime: entry.RegimeGDPR, Grace: hour, FloorClinical: 2 * hour, FloorIdentity: 3 * hour, FloorAudit: 4 * hour,
	}
	if rule != want {
		t.Errorf("got %+v", rule)
	}
	for _, bad := range []string{"", "eu", "eu=gdprx", "eu=gdpr,grace", "eu=gdpr,grace=-1h", "eu=gdpr,grace=soon", "eu=gdpr,colour=1h"} {
		if _, err := founding.ParseRule(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
