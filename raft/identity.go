package raft

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
)

// errStranger means that the keys in this node's hands are not those the log
// names for it. Signing with others would make a second history.
var errStranger = errors.New("raft: this node's keys are not those in the log")

// recognise compares the keys this node signs with to the log: the log's own
// key with genesis, its cosigner keys with the newest record of the node.
func (p *publisher) recognise() error {
	if err := sameEd25519(p.keys.log, p.ledger.Genesis().LogKey); err != nil {
		return fmt.Errorf("%w: log key: %w", errStranger, err)
	}
	nodes, err := p.ledger.Nodes()
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Name != p.self.name {
			continue
		}
		if err := sameEd25519(p.keys.cosigner, n.CosignerKey); err != nil {
			return fmt.Errorf("%w: cosigner key: %w", errStranger, err)
		}
		if !bytes.Equal(p.keys.mldsa, n.MLDSAKey) {
			return fmt.Errorf("%w: ML-DSA-44 cosigner key: another one is logged", errStranger)
		}
		return nil
	}
	return fmt.Errorf("%w: no node of this name is logged", errStranger)
}

// publicKeys are the public halves of what a node signs with.
type publicKeys struct {
	log, cosigner ed25519.PublicKey
	mldsa         []byte
}

func publicOf(cfg Config) publicKeys {
	public := func(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }
	return publicKeys{log: public(cfg.LogKey), cosigner: public(cfg.CosignerKey), mldsa: cfg.MLDSAKey.PublicKey().Bytes()}
}

func sameEd25519(have ed25519.PublicKey, logged []byte) error {
	spki, err := x509.MarshalPKIXPublicKey(have)
	if err != nil {
		return err
	}
	if !bytes.Equal(spki, logged) {
		return errors.New("another one is logged")
	}
	return nil
}
