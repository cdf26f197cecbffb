package main

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/ingest"
	"indelible/ledger/entry"
	"indelible/proof"
)

// identity is a credential folder, as far as bench needs it.
type identity struct {
	tls    *tls.Config
	key    crypto.Signer
	policy *proof.Policy
}

func loadIdentity(logDir, name string) (*identity, error) {
	dir := filepath.Join(logDir, "credentials", name)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("load the credential of %s: %w", name, err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("load the credential of %s: %w", name, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("the authority of %s is no certificate", name)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "policy.txt"))
	if err != nil {
		return nil, fmt.Errorf("load the policy of %s: %w", name, err)
	}
	policy, err := proof.ParsePolicy(raw)
	if err != nil {
		return nil, fmt.Errorf("read the policy of %s: %w", name, err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of %s cannot sign", name)
	}
	return &identity{tls: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{pair}}, key: key, policy: policy}, nil
}

// appender is one client of the log: a connection of its own.
func (i *identity) appender(url string) (indeliblev1connect.LedgerServiceClient, *http.Client, error) {
	web, err := client.HTTP(i.tls)
	if err != nil {
		return nil, nil, err
	}
	return indeliblev1connect.NewLedgerServiceClient(web, url, connect.WithGRPC()), web, nil
}

// deviceMaker certifies the simulated devices.
func deviceMaker(logDir string) (*ingest.DeviceCA, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(logDir, "ca", "device-ca.pem"), filepath.Join(logDir, "ca", "device-ca-key.pem"))
	if err != nil {
		return nil, fmt.Errorf("load the authority of devices: %w", err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("read the authority of devices: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("the authority of devices cannot sign")
	}
	return ingest.NewDeviceCA(leaf, key)
}

// onboard registers a subject with a device each and returns the devices.
func onboard(s *site, count int) (devices []*ingest.Device, err error) {
	spool, err := ingest.OpenSpool(ingest.SpoolConfig{
		Dir: filepath.Join(s.dir, "spool"), Now: time.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	receipts, err := ingest.OpenReceipts(filepath.Join(s.dir, "receipts"))
	if err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	defer func() { err = errors.Join(err, receipts.Close(), spool.Close()) }()
	keys := map[string]crypto.Signer{}
	desk, speaker, err := s.desk(spool, receipts, keys)
	if err != nil {
		return nil, err
	}
	defer speaker.Close()
	for n := range count {
		reference := fmt.Sprintf("Patient/bench-%d", n)
		enrolled, err := desk.Register(s.ctx, reference, jurisdiction)
		if err != nil {
			return nil, fmt.Errorf("register a subject: %w", err)
		}
		d, err := client.NewDevice(client.DeviceConfig{
			Key: keys[reference], Log: entry.LogID(s.service.policy.LogID()), Binding: enrolled.Binding, Jurisdiction: jurisdiction,
			State: client.DeviceState{Boot: 1}, Now: time.Now, Rand: rand.Reader,
		})
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// desk is the registrar's onboarding; it keeps the keys of the devices it makes.
func (s *site) desk(spool *ingest.Spool, receipts *ingest.Receipts, keys map[string]crypto.Signer) (*ingest.Onboarding, *ingest.Client, error) {
	registrar, err := loadIdentity(s.node.dir, "registrar-1")
	if err != nil {
		return nil, nil, err
	}
	maker, err := deviceMaker(s.node.dir)
	if err != nil {
		return nil, nil, err
	}
	speaker, err := ingest.NewClient(client.Config{
		URL: s.node.url, TLS: registrar.tls, Policy: registrar.policy, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}, receipts)
	if err != nil {
		return nil, nil, err
	}
	desk, err := ingest.NewOnboarding(ingest.OnboardingConfig{
		Client: speaker, Registrar: registrar.key, Log: entry.LogID(registrar.policy.LogID()), Spool: spool,
		Identity: func(string) (*ingest.Identity, error) { return certify(maker) },
		NewKey:   func(reference string) (crypto.Signer, error) { return newKey(keys, reference) },
		Now:      time.Now, Rand: rand.Reader,
	})
	return desk, speaker, err
}

func certify(maker *ingest.DeviceCA) (*ingest.Identity, error) {
	var serial [8]byte
	if _, err := rand.Read(serial[:]); err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return maker.Issue(rand.Reader, hex.EncodeToString(serial[:]), time.Now())
}
