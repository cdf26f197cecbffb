package client

import (
	"crypto"
	"fmt"
	"io"
	"time"

	"indelible/ledger/entry"
)

// Author signs statements with one key for one log: a registrar, an officer, a
// consent service. Devices sign readings with a Device, which numbers them.
type Author struct {
	key    crypto.Signer
	public *entry.PublicKey
	log    entry.LogID
	now    func() time.Time
	rand   io.Reader
}

// NewAuthor makes an author of a P-256 or Ed25519 key. log is the identity of the
// log (credential.Credential.LogID), rand a CSPRNG: its nonces hide what is sealed.
func NewAuthor(key crypto.Signer, log entry.LogID, now func() time.Time, rand io.Reader) (*Author, error) {
	public, err := entry.NewPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("client: author key: %w", err)
	}
	return &Author{key: key, public: public, log: log, now: now, rand: rand}, nil
}

// Public is the key that verifies what the author signs.
func (a *Author) Public() *entry.PublicKey { return a.public }

// Log is the identity of the log the author signs for.
func (a *Author) Log() entry.LogID { return a.log }

// Now is the time by which statements are dated, Unix milliseconds.
func (a *Author) Now() uint64 { return uint64(a.now().UnixMilli()) }

// Draw fills an id with randomness: a request id, a binding id.
func (a *Author) Draw(id []byte) error {
	if _, err := io.ReadFull(a.rand, id); err != nil {
		return fmt.Errorf("client: draw an id: %w", err)
	}
	return nil
}

// Sign completes a draft and signs it: the log, the time if it has none, a fresh
// request id. contents are sealed, each under a nonce of its own, and the statement
// commits to them; nil seals nothing. What comes back must be durable before it is
// first sent, and only those bytes may be sent (FORMATS §1).
func (a *Author) Sign(d entry.Draft, contents map[entry.Class]Content) (*Signed, error) {
	d.Log = a.log
	if d.IssuedAt == 0 {
		d.IssuedAt = a.Now()
	}
	if d.Seq == 0 { // a device's number names its request already
		d.Request = new(entry.RequestID)
		if err := a.Draw(d.Request[:]); err != nil {
			return nil, err
		}
	}
	signed := &Signed{Author: a.public}
	if contents != nil {
		parts, openings, err := Seal(a.rand, contents)
		if err != nil {
			return nil, err
		}
		digest := parts.Digest()
		d.Parts, signed.Openings = &digest, openings
	}
	var err error
	if signed.Statement, err = d.Sign(a.rand, a.key); err != nil {
		return nil, fmt.Errorf("client: sign the %s entry: %w", d.Kind, err)
	}
	return signed, nil
}
