package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/ingest"
)

// as makes a client of the log with one of its credentials: a connection of its own.
func (n *node) as(name string) (*client.Caller, error) {
	c, err := credential.Load(filepath.Join(n.dir, "credentials", name))
	if err != nil {
		return nil, fmt.Errorf("load the credential of %s: %w", name, err)
	}
	return client.Open(c, client.Config{
		URL: n.url, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Options: []connect.ClientOption{connect.WithGRPC()},
	}, rand.Reader)
}

// onboard registers a subject with a device each and returns the devices.
func (s *site) onboard(count int) (made []*client.Device, err error) {
	spool, err := ingest.OpenSpool(ingest.SpoolConfig{
		Dir: filepath.Join(s.dir, "spool"), Now: time.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	registrar, err := s.node.as("registrar-1")
	if err != nil {
		return nil, err
	}
	defer registrar.Close()
	ca := filepath.Join(s.node.dir, "ca", "device-ca")
	maker, err := ingest.ReadDeviceCA(ca+".pem", ca+"-key.pem")
	if err != nil {
		return nil, err
	}
	var key crypto.Signer // of the newest device
	onboarding, err := ingest.NewOnboarding(ingest.OnboardingConfig{
		Client: registrar.Client, Registrar: registrar.Credential.Key, Log: registrar.Log(), Spool: spool,
		Identity: maker.Identity(rand.Reader, time.Now),
		NewKey: func(string) (crypto.Signer, error) {
			_, key, err = ed25519.GenerateKey(rand.Reader)
			return key, err
		},
		Now: time.Now, Rand: rand.Reader,
	})
	for n := 0; err == nil && n < count; n++ {
		enrolled, fault := onboarding.Register(s.ctx, fmt.Sprintf("Patient/bench-%d", n), jurisdiction)
		if fault != nil {
			return nil, fmt.Errorf("register a subject: %w", fault)
		}
		var d *client.Device
		d, err = client.NewDevice(client.DeviceConfig{
			Key: key, Log: registrar.Log(), Binding: enrolled.Binding, Jurisdiction: jurisdiction,
			State: client.DeviceState{Boot: 1}, Now: time.Now, Rand: rand.Reader,
		})
		made = append(made, d)
	}
	return made, err
}

// size is the size of the newest checkpoint, verified.
func size(ctx context.Context, c *client.Caller) (uint64, error) {
	_, verified, err := c.Checkpoint(ctx)
	return verified.Checkpoint.Size, err
}
