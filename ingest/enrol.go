package ingest

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// openHandle lets the vault allocate a handle and opens it in the log. The request
// id is journaled before the vault is asked, so the same handle comes back.
func (o *Onboarding) openHandle(ctx context.Context, step, jurisdiction string, class entry.HandleClass, identifiers []string) (entry.Handle, error) {
	spool := o.cfg.Spool
	request, err := spool.Once(step+"request", func() ([]byte, error) {
		var id entry.RequestID
		err := o.registrar.Draw(id[:])
		return id[:], err
	})
	if err != nil {
		return entry.Handle{}, err
	}
	encoded, err := spool.Once(step+"handle", func() ([]byte, error) {
		h, err := o.allocate(ctx, jurisdiction, entry.RequestID(request), class, identifiers)
		if err != nil {
			return nil, err
		}
		signed, err := o.signHandle(h, class, jurisdiction)
		if err != nil {
			return nil, err
		}
		return EncodeSigned(signed)
	})
	if err != nil {
		return entry.Handle{}, err
	}
	signed, err := DecodeSigned(encoded)
	if err != nil {
		return entry.Handle{}, err
	}
	return signed.Statement.Sub.Handle(), o.unsaid(step+"handle", o.deliver(ctx, signed))
}

func (o *Onboarding) signHandle(h entry.Handle, class entry.HandleClass, jurisdiction string) (*client.Signed, error) {
	link, err := entry.HandleLink{}.EncodeContent() // the first of its subject
	if err != nil {
		return nil, fmt.Errorf("ingest: sign a handle: %w", err)
	}
	return o.registrar.Sign(entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: jurisdiction,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: class, At: o.registrar.Now()},
	}, identityPart(link))
}

// identityPart is the sealed part of what a registrar signs.
func identityPart(encoded []byte) map[entry.Class]client.Content {
	return map[entry.Class]client.Content{entry.ClassIdentity: {MediaType: entry.MediaTypeCBOR, Bytes: encoded}}
}

// boundDevice is a device under way: journaled before its key is certified.
type boundDevice struct {
	Key     []byte          `json:"key"` // PKCS #8
	Binding entry.BindingID `json:"binding"`

	public *entry.PublicKey // of Key
}

func parseBound(value []byte) (*boundDevice, error) {
	d := &boundDevice{}
	if err := json.Unmarshal(value, d); err != nil {
		return nil, errors.New("ingest: a journaled device is malformed")
	}
	key, err := parseKey(d.Key)
	if err != nil {
		return nil, err
	}
	if d.public, err = entry.NewPublicKey(key.Public()); err != nil {
		return nil, fmt.Errorf("ingest: device key: %w", err)
	}
	return d, nil
}

// bindDevice makes the device of a subject, has its key certified, enrols it and
// binds it, and completes the row.
func (o *Onboarding) bindDevice(ctx context.Context, step, reference string, r *row) error {
	value, err := o.cfg.Spool.Once(step+"device", func() ([]byte, error) {
		key, err := o.newKey(reference)
		if err != nil {
			return nil, fmt.Errorf("ingest: make a device key: %w", err)
		}
		var d boundDevice
		if d.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return nil, fmt.Errorf("ingest: journal a device key: %w", err)
		}
		if err := o.registrar.Draw(d.Binding[:]); err != nil {
			return nil, err
		}
		return json.Marshal(d)
	})
	if err != nil {
		return err
	}
	d, err := parseBound(value)
	if err != nil {
		return err
	}
	err = o.Enrol(ctx, Enrolment{
		Handle: r.Handle, Jurisdiction: r.Jurisdiction, Key: d.public, Binding: d.Binding,
		Identity: func() (entry.AuthorIdentity, error) { return o.certify(reference, d.public, r.Handle) },
	})
	if err != nil {
		return err
	}
	r.Key, r.Binding, r.Author = d.Key, d.Binding, d.public.Author()
	return nil
}

// certify has the device's identity certify its binding key.
func (o *Onboarding) certify(reference string, public *entry.PublicKey, h entry.Handle) (entry.AuthorIdentity, error) {
	identity, err := o.cfg.Identity(reference)
	if err != nil {
		return entry.AuthorIdentity{}, fmt.Errorf("ingest: device identity: %w", err)
	}
	certification, err := entry.SignCertification(o.cfg.Rand, identity.Key, public.SPKI(), h)
	if err != nil {
		return entry.AuthorIdentity{}, fmt.Errorf("ingest: certify a device key: %w", err)
	}
	return entry.AuthorIdentity{Chain: identity.Chain, Certification: certification}, nil
}

// Enrolment is a device key to be enrolled and bound.
type Enrolment struct {
	Handle       entry.Handle
	Jurisdiction string
	Key          *entry.PublicKey // signs the readings
	Binding      entry.BindingID  // zero draws one
	// Identity returns certificates and certification; it is asked once, before
	// anything is signed.
	Identity func() (entry.AuthorIdentity, error)
}

// Enrol enrols a device key for a handle that is open and binds the two. It is
// journaled under the key's id: called again it sends the same bytes.
func (o *Onboarding) Enrol(ctx context.Context, e Enrolment) error {
	key := keyEnrol + e.Key.Author().String()
	encoded, err := o.cfg.Spool.Once(key, func() ([]byte, error) { return o.signEnrolment(e) })
	if err != nil {
		return err
	}
	r := &recordReader{rest: encoded}
	author, binding := r.signed(), r.signed()
	if r.err != nil {
		return fmt.Errorf("ingest: journaled enrolment: %w", r.err)
	}
	return o.unsaid(key, o.deliver(ctx, author, binding))
}

func (o *Onboarding) signEnrolment(e Enrolment) ([]byte, error) {
	identity, err := e.Identity()
	if err != nil {
		return nil, err
	}
	content, err := identity.EncodeContent()
	if err != nil {
		return nil, fmt.Errorf("ingest: sign an enrolment: %w", err)
	}
	if e.Binding == (entry.BindingID{}) {
		if err := o.registrar.Draw(e.Binding[:]); err != nil {
			return nil, err
		}
	}
	author, err := o.registrar.Sign(entry.Draft{
		Kind: entry.KindAuthor, Sub: entry.SubOfHandle(e.Handle), Jurisdiction: e.Jurisdiction,
		Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: e.Key.SPKI(), Role: entry.RoleDevice, Jurisdictions: []string{e.Jurisdiction},
		},
	}, identityPart(content))
	if err != nil {
		return nil, err
	}
	binding, err := o.registrar.Sign(entry.Draft{
		Kind: entry.KindBinding, Jurisdiction: e.Jurisdiction,
		Body: &entry.BindingChange{
			Action: entry.ActionOpen, Binding: e.Binding, Handle: e.Handle, Author: e.Key.Author(), From: o.registrar.Now(),
		},
	}, nil)
	if err != nil {
		return nil, err
	}
	return appendSigned(appendSigned(nil, author), binding), nil
}

// errRefusedFirst says that the log took nothing of what was journaled together.
var errRefusedFirst = errors.New("nothing was taken")

// unsaid removes from the journal what the log refused as a whole and for good (a
// wrong certificate, a registrar that is revoked): sent again it would be refused
// again, so the next try must make it anew.
func (o *Onboarding) unsaid(key string, err error) error {
	if !errors.Is(err, errRefusedFirst) {
		return err
	}
	return errors.Join(err, o.cfg.Spool.Commit(Batch{Values: map[string][]byte{key: nil}}))
}

// deliver sends statements until the log holds them all, or refuses one for good.
func (o *Onboarding) deliver(ctx context.Context, list ...*client.Signed) error {
	outcomes, err := o.cfg.Client.Deliver(ctx, list)
	if err != nil {
		return err
	}
	for i, outcome := range outcomes {
		switch {
		case outcome.Erased != nil:
			return fmt.Errorf("%w: %w", errErased, outcome.Refusal)
		case outcome.Proven == nil && outcome.Final():
			reason := error(outcome.Refusal)
			if i == 0 {
				reason = fmt.Errorf("%w: %w", errRefusedFirst, reason)
			}
			return fmt.Errorf("ingest: the log refuses the %s entry: %w", list[i].Statement.Kind, reason)
		}
	}
	return nil
}

// allocate asks the vault for a handle until it answers.
func (o *Onboarding) allocate(ctx context.Context, jurisdiction string, request entry.RequestID, class entry.HandleClass, identifiers []string) (h entry.Handle, err error) {
	err = o.cfg.Client.Repeat(ctx, func() error {
		h, err = o.cfg.Client.Register(ctx, jurisdiction, request, class, identifiers)
		return err
	})
	if err != nil {
		err = fmt.Errorf("ingest: register a subject: %w", err)
	}
	return h, err
}
