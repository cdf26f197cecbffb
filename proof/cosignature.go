package proof

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"strconv"

	"filippo.io/mldsa"
)

// timestampSize is the length of the POSIX time before a cosignature, in bytes.
const timestampSize = 8

// LogSigner signs checkpoints as the log itself. Its holder must only
// sign sizes that can never be taken back.
type LogSigner struct {
	key     *Key
	private ed25519.PrivateKey
}

// NewLogSigner makes the signer of the log called origin.
func NewLogSigner(origin string, key ed25519.PrivateKey) (*LogSigner, error) {
	k, err := ed25519Key(origin, KeyLog, key)
	if err != nil {
		return nil, fmt.Errorf("log signer: %w", err)
	}
	return &LogSigner{key: k, private: key}, nil
}

func ed25519Key(name string, typ KeyType, private ed25519.PrivateKey) (*Key, error) {
	if len(private) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("Ed25519 private key of %d bytes: %w", len(private), ErrKey)
	}
	return NewKey(name, typ, private[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// Name is the log's origin.
func (s *LogSigner) Name() string { return s.key.name }

// KeyID is the key ID in the log's signature lines.
func (s *LogSigner) KeyID() uint32 { return s.key.id }

// VKey is the log's public key as a vkey.
func (s *LogSigner) VKey() string { return s.key.String() }

// Sign returns the log's signature line for a checkpoint of its own.
func (s *LogSigner) Sign(c Checkpoint) (line string, err error) {
	if err := c.Validate(); err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	if c.Origin != s.key.name {
		return "", fmt.Errorf("sign checkpoint: %w", ErrOrigin)
	}
	sig := ed25519.Sign(s.private, []byte(c.Text()))
	return Signature{Name: s.key.name, KeyID: s.key.id, Bytes: sig}.Line(), nil
}

// Cosigner states that a checkpoint is consistent with all it has seen of that
// log. Its holder must have checked so.
type Cosigner struct {
	key  *Key
	sign func(message []byte) ([]byte, error)
}

// NewCosigner makes an Ed25519 cosigner. The key must serve this name alone:
// the signed message does not contain the name.
func NewCosigner(name string, key ed25519.PrivateKey) (*Cosigner, error) {
	k, err := ed25519Key(name, KeyCosigner, key)
	if err != nil {
		return nil, fmt.Errorf("cosigner: %w", err)
	}
	sign := func(message []byte) ([]byte, error) { return ed25519.Sign(key, message), nil }
	return &Cosigner{key: k, sign: sign}, nil
}

// NewMLDSACosigner makes an ML-DSA-44 cosigner. It signs deterministically
// (FIPS 204 §3.4 allows it), so that this package needs no randomness.
func NewMLDSACosigner(name string, key *mldsa.PrivateKey) (*Cosigner, error) {
	if key == nil {
		return nil, fmt.Errorf("cosigner: no ML-DSA key: %w", ErrKey)
	}
	k, err := NewKey(name, KeyCosignerPQ, key.PublicKey().Bytes())
	if err != nil {
		return nil, fmt.Errorf("cosigner: %w", err)
	}
	sign := func(message []byte) ([]byte, error) { return key.SignDeterministic(message, nil) }
	return &Cosigner{key: k, sign: sign}, nil
}

// Name is the cosigner's key name.
func (s *Cosigner) Name() string { return s.key.name }

// KeyID is the key ID in the cosigner's signature lines.
func (s *Cosigner) KeyID() uint32 { return s.key.id }

// VKey is the cosigner's public key as a vkey.
func (s *Cosigner) VKey() string { return s.key.String() }

// Cosign returns the cosigner's line for a checkpoint, stating that at
// unixSeconds it is the largest consistent tree the cosigner has seen.
// unixSeconds is not 0, which would state nothing, and at most 2^63-1.
func (s *Cosigner) Cosign(c Checkpoint, unixSeconds uint64) (line string, err error) {
	if err := c.Validate(); err != nil {
		return "", fmt.Errorf("cosign checkpoint: %w", err)
	}
	message, err := s.key.cosigned(c, unixSeconds)
	if err != nil {
		return "", fmt.Errorf("cosign checkpoint: %w", err)
	}
	sig, err := s.sign(message)
	if err != nil {
		return "", fmt.Errorf("cosign checkpoint: %w", err)
	}
	stamped := binary.BigEndian.AppendUint64(make([]byte, 0, timestampSize+len(sig)), unixSeconds)
	return Signature{Name: s.key.name, KeyID: s.key.id, Bytes: append(stamped, sig...)}.Line(), nil
}

// cosigned is the message a cosigner's key signs (C2SP tlog-cosignature).
func (k *Key) cosigned(c Checkpoint, unixSeconds uint64) ([]byte, error) {
	if unixSeconds == 0 || unixSeconds > MaxSize {
		return nil, fmt.Errorf("cosignature time is 0 or above 2^63-1: %w", ErrEncoding)
	}
	if k.typ == KeyCosigner {
		return []byte("cosignature/v1\ntime " + strconv.FormatUint(unixSeconds, 10) + "\n" + c.Text()), nil
	}
	return k.subtree(c, unixSeconds), nil
}

// subtree is the ML-DSA-44 message: the tree of the checkpoint as the subtree
// that begins at 0. Unlike the Ed25519 message it contains the cosigner's name.
// The FIPS 204 context string stays empty; the label separates the domains.
//
//	label[12] "subtree/v1\n\0"   name<1..255>   time u64
//	origin<1..255>   start u64 = 0   end u64 = size   root[32]
func (k *Key) subtree(c Checkpoint, unixSeconds uint64) []byte {
	const label = "subtree/v1\n\x00"
	m := make([]byte, 0, len(label)+1+len(k.name)+8+1+len(c.Origin)+8+8+HashSize)
	m = append(m, label...)
	m = append(m, byte(len(k.name)))
	m = append(m, k.name...)
	m = binary.BigEndian.AppendUint64(m, unixSeconds)
	m = append(m, byte(len(c.Origin)))
	m = append(m, c.Origin...)
	m = binary.BigEndian.AppendUint64(m, 0)
	m = binary.BigEndian.AppendUint64(m, c.Size)
	return append(m, c.Root[:]...)
}

// Signed tells whether the signature claims to be by this key.
func (k *Key) Signed(sig Signature) bool { return sig.Name == k.name && sig.KeyID == k.id }

// Verify checks one signature on a checkpoint and returns the time it states,
// in Unix seconds, or 0 for a log's signature, which states none.
func (k *Key) Verify(c Checkpoint, sig Signature) (unixSeconds uint64, err error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	if !k.Signed(sig) {
		return 0, fmt.Errorf("signature is by another key: %w", ErrSignature)
	}
	if k.typ == KeyLog {
		if !ed25519.Verify(k.public, []byte(c.Text()), sig.Bytes) {
			return 0, k.wrong()
		}
		return 0, nil
	}
	return k.verifyCosignature(c, sig.Bytes)
}

func (k *Key) verifyCosignature(c Checkpoint, stamped []byte) (uint64, error) {
	if len(stamped) < timestampSize {
		return 0, k.wrong()
	}
	unixSeconds, sig := binary.BigEndian.Uint64(stamped), stamped[timestampSize:]
	message, err := k.cosigned(c, unixSeconds)
	if err != nil {
		return 0, k.wrong()
	}
	switch k.typ {
	case KeyCosigner:
		if !ed25519.Verify(k.public, message, sig) {
			return 0, k.wrong()
		}
	case KeyCosignerPQ:
		if err := mldsa.Verify(k.pq, message, sig, nil); err != nil {
			return 0, k.wrong()
		}
	default:
		return 0, k.wrong()
	}
	return unixSeconds, nil
}

// wrong names the key, which the caller has pinned, and nothing of the note.
func (k *Key) wrong() error { return fmt.Errorf("signature of key %s: %w", k.name, ErrSignature) }
