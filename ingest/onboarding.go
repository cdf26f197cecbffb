package ingest

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// OnboardingConfig is what registering subjects and enrolling devices needs. All
// fields but NewKey are required.
type OnboardingConfig struct {
	Client    *client.Client // with the registrar's certificate
	Registrar crypto.Signer  // signs handle, author and binding entries
	Log       entry.LogID
	Spool     *Spool // the journal
	// Identity returns the certified identity of the device of a subject. It is
	// asked once for each.
	Identity func(reference string) (*Identity, error)
	// NewKey makes the key with which that device signs its readings; nil makes an
	// Ed25519 key.
	NewKey func(reference string) (crypto.Signer, error)
	Now    func() time.Time
	Rand   io.Reader // CSPRNG
}

// Validate reports every fault of the configuration at once.
func (c OnboardingConfig) Validate() error {
	return check("onboarding",
		demand{c.Client != nil, "Client is missing"},
		demand{c.Registrar != nil, "Registrar is missing"},
		demand{c.Log != entry.LogID{}, "Log is missing"},
		demand{c.Spool != nil, "Spool is missing"},
		demand{c.Identity != nil, "Identity is missing"},
		demand{c.Now != nil, "Now is missing"},
		demand{c.Rand != nil, "Rand is missing"},
	)
}

// Onboarding brings subjects and their devices into the log and remembers,
// sealed, which reference of the input is bound to which device. Every statement
// it signs is journaled before it is sent and resent as the same bytes. Safe for
// concurrent use.
type Onboarding struct {
	cfg       OnboardingConfig
	registrar *client.Author
	secret    []byte // keys the digests by which references are remembered

	mu       sync.Mutex
	byAuthor map[entry.AuthorID]string // row of each device key
	places   int                       // rows there are
}

// Prefixes of journal keys.
const (
	keySecret = "onboarding/secret"
	keyRow    = "who/"        // + digest of the reference: the row
	keyStep   = "onboarding/" // + digest + step: what is under way
	keyEnrol  = "enrol/"      // + author id: signed enrolment of one device key
)

// Enrolled is a subject with its device.
type Enrolled struct {
	Jurisdiction string          `json:"jurisdiction"`
	Handle       entry.Handle    `json:"handle"`
	Binding      entry.BindingID `json:"binding"`
	Author       entry.AuthorID  `json:"author"`           // the device's key
	Erased       bool            `json:"erased,omitempty"` // the subject was erased; everything else but Jurisdiction is forgotten
}

// row is what is journaled of a reference. The reference itself is not: a digest
// under a secret that lies in the same sealed segment finds the row.
type row struct {
	Enrolled
	Key []byte `json:"key,omitempty"` // PKCS #8; empty until the device is bound
}

// NewOnboarding reads what a former process journaled.
func NewOnboarding(cfg OnboardingConfig) (*Onboarding, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	registrar, err := client.NewAuthor(cfg.Registrar, cfg.Log, cfg.Now, cfg.Rand)
	if err != nil {
		return nil, fmt.Errorf("ingest: registrar key: %w", err)
	}
	secret, err := cfg.Spool.Once(keySecret, func() ([]byte, error) {
		secret := make([]byte, 32)
		_, err := io.ReadFull(cfg.Rand, secret)
		return secret, err
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: onboarding secret: %w", err)
	}
	o := &Onboarding{cfg: cfg, registrar: registrar, secret: secret, byAuthor: map[entry.AuthorID]string{}}
	for _, key := range cfg.Spool.keys(keyRow) {
		r, _, err := o.row(key)
		if err != nil {
			return nil, err
		}
		o.places++
		if len(r.Key) > 0 {
			o.byAuthor[r.Author] = key
		}
	}
	return o, nil
}

// rowKey is where a reference's row lies.
func (o *Onboarding) rowKey(reference string) string {
	mac := hmac.New(sha256.New, o.secret)
	mac.Write([]byte(reference))
	return keyRow + hex.EncodeToString(mac.Sum(nil))
}

func (o *Onboarding) row(key string) (row, bool, error) {
	value, ok := o.cfg.Spool.Value(key)
	if !ok {
		return row{}, false, nil
	}
	var r row
	if err := json.Unmarshal(value, &r); err != nil {
		return row{}, false, errors.New("ingest: a journaled subject is malformed")
	}
	return r, true, nil
}

// stepsOf begins the keys of what is under way for a row.
func stepsOf(key string) string { return keyStep + strings.TrimPrefix(key, keyRow) + "/" }

// finished sets a row and removes what was under way for it.
func finished(key string, value []byte, author entry.AuthorID) map[string][]byte {
	step := stepsOf(key)
	return map[string][]byte{key: value, keyEnrol + author.String(): nil, step + "request": nil, step + "handle": nil, step + "device": nil}
}

func encodeRow(r row) ([]byte, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("ingest: journal a subject: %w", err)
	}
	return value, nil
}

// Lookup returns what is known of a reference whose device is bound or whose
// subject was erased.
func (o *Onboarding) Lookup(reference string) (*Enrolled, bool, error) {
	r, ok, err := o.row(o.rowKey(reference))
	if err != nil || !ok || (len(r.Key) == 0 && !r.Erased) {
		return nil, false, err
	}
	return &r.Enrolled, true, nil
}

// place returns the jurisdiction of a reference, deciding and journaling it for a
// new one. choose is told how many references were placed before.
func (o *Onboarding) place(reference string, choose func(reference string, nth int) string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := o.rowKey(reference)
	r, ok, err := o.row(key)
	if err != nil || ok {
		return r.Jurisdiction, err
	}
	r.Jurisdiction = choose(reference, o.places)
	if !entry.ValidJurisdiction(r.Jurisdiction) {
		return "", errors.New("ingest: the jurisdiction chosen for a subject is not valid")
	}
	value, err := encodeRow(r)
	if err != nil {
		return "", err
	}
	if err := o.cfg.Spool.Commit(Batch{Values: map[string][]byte{key: value}}); err != nil {
		return "", err
	}
	o.places++
	return r.Jurisdiction, nil
}

// Register brings a subject and its device into the log: handle, device key,
// binding. identifiers are what the subject can be found by; none means the
// reference itself. A reference that is bound or erased is returned as it is, so a
// rerun registers no subject twice. A *entry.Refusal is final.
func (o *Onboarding) Register(ctx context.Context, reference, jurisdiction string, identifiers ...string) (*Enrolled, error) {
	if len(identifiers) == 0 {
		identifiers = []string{reference}
	}
	placed, err := o.place(reference, func(string, int) string { return jurisdiction })
	if err != nil {
		return nil, err
	}
	if placed != jurisdiction {
		return nil, fmt.Errorf("ingest: register a subject: it is known in %s", placed)
	}
	key := o.rowKey(reference)
	defer o.cfg.Spool.onceKeys.lock(key)()
	r, _, err := o.row(key)
	if err != nil {
		return nil, err
	}
	if len(r.Key) > 0 || r.Erased {
		return &r.Enrolled, nil
	}
	step := stepsOf(key)
	if r.Handle, err = o.openHandle(ctx, step, jurisdiction, entry.HandleSubject, identifiers); err != nil {
		return nil, o.refused(key, r, err)
	}
	if err := o.bindDevice(ctx, step, reference, &r); err != nil {
		return nil, o.refused(key, r, err)
	}
	value, err := encodeRow(r)
	if err != nil {
		return nil, err
	}
	if err := o.cfg.Spool.Commit(Batch{Values: finished(key, value, r.Author)}); err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.byAuthor[r.Author] = key
	o.mu.Unlock()
	return &r.Enrolled, nil
}

// errErased says that a node signed that the subject is erased.
var errErased = errors.New("ingest: the subject is erased")

// refused forgets a subject that turns out to be erased.
func (o *Onboarding) refused(key string, r row, err error) error {
	if errors.Is(err, errErased) {
		return errors.Join(err, o.forgetRow(key, r))
	}
	return err
}

// Forget drops all that joins a reference to its handle and device, after its
// subject was erased: what stays says that the reference must not be registered
// again. Every segment that may hold an older copy of it is destroyed; what else
// waits there is copied before.
func (o *Onboarding) Forget(reference string) error {
	key := o.rowKey(reference)
	defer o.cfg.Spool.onceKeys.lock(key)()
	r, ok, err := o.row(key)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("ingest: forget a subject: it is not known")
	}
	if err := o.forgetRow(key, r); err != nil {
		return err
	}
	return o.cfg.Spool.tidy()
}

// forgetAuthor is Forget for the subject a device is bound to.
func (o *Onboarding) forgetAuthor(author entry.AuthorID) error {
	o.mu.Lock()
	key, ok := o.byAuthor[author]
	o.mu.Unlock()
	if !ok {
		return nil
	}
	defer o.cfg.Spool.onceKeys.lock(key)()
	r, _, err := o.row(key)
	if err != nil || r.Erased {
		return err
	}
	return o.forgetRow(key, r)
}

func (o *Onboarding) forgetRow(key string, r row) error {
	value, err := encodeRow(row{Enrolled: Enrolled{Jurisdiction: r.Jurisdiction, Erased: true}})
	if err != nil {
		return err
	}
	if under, ok := o.cfg.Spool.Value(stepsOf(key) + "device"); ok { // the row does not name it yet
		d, err := parseBound(under)
		if err != nil {
			return err
		}
		r.Author = d.public.Author()
	}
	gone := finished(key, value, r.Author)
	gone[keyDevice+r.Author.String()] = nil
	// The row goes last: as long as it names the device, all of this is done again.
	if err := o.cfg.Spool.forgetLetters(r.Author); err != nil {
		return err
	}
	if err := o.cfg.Spool.forgetValues(gone); err != nil {
		return err
	}
	o.mu.Lock()
	delete(o.byAuthor, r.Author)
	o.mu.Unlock()
	return nil
}

// device returns the device of a bound reference in its last journaled state.
func (o *Onboarding) device(reference string) (*client.Device, error) {
	r, _, err := o.row(o.rowKey(reference))
	if err != nil {
		return nil, err
	}
	if r.Erased {
		return nil, errErased
	}
	signer, err := parseKey(r.Key)
	if err != nil {
		return nil, err
	}
	d, err := client.NewDevice(client.DeviceConfig{
		Key: signer, Log: o.cfg.Log, Binding: r.Binding, Jurisdiction: r.Jurisdiction,
		State: client.DeviceState{Boot: 1}, Now: o.cfg.Now, Rand: o.cfg.Rand,
	})
	if err != nil {
		return nil, err
	}
	_, err = o.cfg.Spool.rewind(d)
	return d, err
}

func parseKey(pkcs8 []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, errors.New("ingest: a journaled device key is malformed")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("ingest: a journaled device key cannot sign")
	}
	return signer, nil
}

func (o *Onboarding) newKey(reference string) (crypto.Signer, error) {
	if o.cfg.NewKey != nil {
		return o.cfg.NewKey(reference)
	}
	_, key, err := ed25519.GenerateKey(o.cfg.Rand)
	return key, err
}
