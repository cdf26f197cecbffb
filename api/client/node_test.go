package client_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/founding"
	"indelible/cli/indelibled/node"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// What the examples find there: a node with everybody enrolled, and one device that
// is bound to one person.
var (
	url       string // of the node
	folder    string // of the credentials
	deviceKey ed25519.PrivateKey
	binding   entry.BindingID // of the device
)

// TestMain makes a log in a folder of its own, once the first test asks for it.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "indelible-client-")
	if err != nil {
		panic(err)
	}
	stop, err := serve(dir)
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if err := errors.Join(stop(), os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// serve founds a log, runs its node, and enrols who the examples speak as.
func serve(dir string) (stop func() error, err error) {
	site, err := founding.Found(founding.Spec{
		Dir: filepath.Join(dir, "site"), Listen: "127.0.0.1:0", Now: time.Now, Rand: rand.Reader,
		Jurisdictions: []entry.JurisdictionRule{founding.Rule("eu", entry.RegimeGDPR)},
	})
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(site.Config(), nil)
	if err != nil {
		return nil, err
	}
	n, err := node.Open(context.Background(), cfg, "test", io.Discard)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		end()
		return node.Stopped(n, <-ended)
	})
	<-n.Ready()
	url, folder = "https://"+n.Address().String(), site.Credentials()
	return stop, errors.Join(enrol(site), onboard(site, filepath.Join(dir, "work")))
}

func as(site founding.Site, name string) (*client.Caller, error) {
	c, err := credential.Load(site.Credential(name))
	if err != nil {
		return nil, err
	}
	return client.Open(c, client.Config{URL: url, Now: time.Now, Logger: quiet}, rand.Reader)
}

// enrol lets two registrars activate the authority of devices and enrol people.
func enrol(site founding.Site) error {
	one, err := as(site, founding.Registrar1)
	if err != nil {
		return err
	}
	defer one.Close()
	two, err := as(site, founding.Registrar2)
	if err != nil {
		return err
	}
	defer two.Close()
	cert, _ := site.DeviceCA()
	ca, err := credential.ReadCertificates(cert)
	if err != nil {
		return err
	}
	first, err := write(one, entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: ca[0].RawSubjectPublicKeyInfo}})
	if err != nil {
		return err
	}
	if _, err := write(two, entry.Draft{Kind: entry.KindCA, Confirms: &first}); err != nil {
		return err
	}
	for name, role := range map[string]entry.Role{founding.Service: entry.RoleService, founding.Clinician: entry.RoleClinician, founding.Auditor: entry.RoleAuditor} {
		chain, err := credential.ReadCertificates(filepath.Join(site.Credential(name), credential.CertFile))
		if err != nil {
			return err
		}
		if _, err := write(one, entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: chain[0].RawSubjectPublicKeyInfo, Role: role, Jurisdictions: []string{"eu"},
		}}); err != nil {
			return err
		}
	}
	return nil
}

func write(c *client.Caller, d entry.Draft) (entry.StatementID, error) {
	signed, err := c.Sign(d, nil)
	if err != nil {
		return entry.StatementID{}, err
	}
	_, err = c.Append(context.Background(), signed)
	return signed.Statement.ID(), err
}

// onboard registers a person who does not exist, with a device.
func onboard(site founding.Site, work string) error {
	registrar, err := as(site, founding.Registrar1)
	if err != nil {
		return err
	}
	defer registrar.Close()
	spool, err := ingest.OpenSpool(ingest.SpoolConfig{Dir: work, Now: time.Now, Rand: rand.Reader, Logger: quiet})
	if err != nil {
		return err
	}
	maker, err := ingest.ReadDeviceCA(site.DeviceCA())
	if err != nil {
		return errors.Join(err, spool.Close())
	}
	desk, err := ingest.NewOnboarding(ingest.OnboardingConfig{
		Client: registrar.Client, Registrar: registrar.Credential.Key, Log: registrar.Log(), Spool: spool,
		Identity: maker.Identity(rand.Reader, time.Now), Now: time.Now, Rand: rand.Reader,
		NewKey: func(string) (_ signer, err error) {
			_, deviceKey, err = ed25519.GenerateKey(rand.Reader)
			return deviceKey, err
		},
	})
	if err == nil {
		var enrolled *ingest.Enrolled
		if enrolled, err = desk.Register(context.Background(), "Patient/1", "eu"); err == nil {
			binding = enrolled.Binding
		}
	}
	return errors.Join(err, spool.Close())
}
