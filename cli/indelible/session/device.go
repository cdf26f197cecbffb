package session

import (
	"context"
	"io"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// DeviceKey is a device key about to be enrolled.
type DeviceKey struct {
	Key           []byte // SubjectPublicKeyInfo of the key that signs readings
	Handle        entry.Handle
	Jurisdiction  string
	Chain         [][]byte // certificates of the device's identity, leaf first
	Certification []byte   // by the identity key, of the binding key; nil for a linkable device
	Linkable      bool
}

// SignDevice signs the enrolment of a device key, with the opening that holds
// its certificate and certification.
func (s *Session) SignDevice(k DeviceKey) (*ingest.Signed, error) {
	content, err := (&entry.AuthorIdentity{Chain: k.Chain, Certification: k.Certification}).EncodeContent()
	if err != nil {
		return nil, say.Local(err, "the device's certificates cannot be enclosed", "check the files")
	}
	return s.signSealed(sealed{
		kind: entry.KindAuthor, sub: entry.SubOfHandle(k.Handle), jurisdiction: k.Jurisdiction,
		class: entry.ClassIdentity, content: content,
		body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: k.Key, Role: entry.RoleDevice,
			Jurisdictions: []string{k.Jurisdiction}, Linkable: k.Linkable,
		},
	})
}

// sealed is a statement about to be signed that has one sealed part.
type sealed struct {
	kind         entry.Kind
	sub          entry.Sub
	jurisdiction string
	class        entry.Class
	mediaType    string // of the content; empty: CBOR of ours
	content      []byte
	body         entry.Body
}

func (s *Session) signSealed(d sealed) (*ingest.Signed, error) {
	if d.mediaType == "" {
		d.mediaType = entry.MediaTypeCBOR
	}
	parts, openings, err := client.Seal(s.rand, map[entry.Class]ingest.Content{
		d.class: {MediaType: d.mediaType, Bytes: d.content},
	})
	if err != nil {
		return nil, say.Local(err, "the statement could not be sealed", "check what is enclosed: its size and its media type")
	}
	draft, err := s.draft(d.kind, d.jurisdiction, d.body)
	if err != nil {
		return nil, err
	}
	digest := parts.Digest()
	draft.Sub, draft.Parts = d.sub, &digest
	statement, err := s.sign(draft)
	if err != nil {
		return nil, err
	}
	return &ingest.Signed{Statement: statement, Author: s.key, Openings: openings}, nil
}

// EnrolDevice hands in a signed enrolment.
func (s *Session) EnrolDevice(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	return s.Append(ctx, signed)
}

// ChangeDevice hands in the suspension, resumption or revocation of a key.
func (s *Session) ChangeDevice(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	return s.Govern(ctx, statement)
}

// SignBinding signs that a device measures a subject, under a new random name.
func (s *Session) SignBinding(author entry.AuthorID, h entry.Handle, jurisdiction string) (*entry.Statement, entry.BindingID, error) {
	var id entry.BindingID
	if _, err := io.ReadFull(s.rand, id[:]); err != nil {
		return nil, id, say.Local(err, "no randomness for a binding", "try again")
	}
	d, err := s.draft(entry.KindBinding, jurisdiction, nil)
	if err != nil {
		return nil, id, err
	}
	d.Body = &entry.BindingChange{Action: entry.ActionOpen, Binding: id, Handle: h, Author: author, From: d.IssuedAt}
	statement, err := s.sign(d)
	return statement, id, err
}

// Bind hands in a signed binding.
func (s *Session) Bind(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	return s.Govern(ctx, statement)
}

// SignUnbind signs that a binding ends at an instant, Unix milliseconds.
func (s *Session) SignUnbind(id entry.BindingID, jurisdiction string, to uint64) (*entry.Statement, error) {
	d, err := s.draft(entry.KindBinding, jurisdiction, &entry.BindingChange{Action: entry.ActionClose, Binding: id, To: &to})
	if err != nil {
		return nil, err
	}
	return s.sign(d)
}

// Unbind hands in the signed end of a binding.
func (s *Session) Unbind(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	return s.Govern(ctx, statement)
}

// Now is the time by which statements are dated, Unix milliseconds.
func (s *Session) Now() uint64 { return uint64(s.now().UnixMilli()) }

// ListDevices fetches the page of device keys that a token names, and the token of
// the next.
func (s *Session) ListDevices(ctx context.Context, page []byte) ([]*indeliblev1.Device, []byte, error) {
	answer, err := call(ctx, s, "", s.Devices.ListDevices, &indeliblev1.ListDevicesRequest{PageToken: page})
	if err != nil {
		return nil, nil, err
	}
	return answer.GetDevices(), answer.GetNextPageToken(), nil
}

// Device fetches what the log knows of one device key.
func (s *Session) Device(ctx context.Context, id entry.AuthorID) (*indeliblev1.Device, error) {
	answer, err := call(ctx, s, "", s.Devices.GetDevice, &indeliblev1.GetDeviceRequest{AuthorId: id[:]})
	if err != nil {
		return nil, err
	}
	return answer.GetDevice(), nil
}

// Gaps goes on with the search for a device's gaps where a list had to end it,
// until everything is searched or so many gaps are found.
func (s *Session) Gaps(ctx context.Context, d *indeliblev1.Device, enough int) error {
	for len(d.GetNextPageToken()) > 0 && len(d.GetGaps()) < enough {
		answer, err := call(ctx, s, "", s.Devices.GetDevice, &indeliblev1.GetDeviceRequest{
			AuthorId: d.GetAuthorId(), PageToken: d.GetNextPageToken(),
		})
		if err != nil {
			return err
		}
		more := answer.GetDevice()
		d.Gaps = append(d.Gaps, more.GetGaps()...)
		d.NextPageToken = more.GetNextPageToken()
	}
	return nil
}

// Register allocates a handle for a new subject. The same request id gives the
// same handle; nothing is in the log until OpenHandle.
func (s *Session) Register(ctx context.Context, jurisdiction string, id entry.RequestID, class entry.HandleClass, identifiers []string) (entry.Handle, error) {
	answer, err := call(ctx, s, jurisdiction, s.Subjects.Register, &indeliblev1.RegisterRequest{
		RequestId: id[:], Class: indeliblev1.HandleClass(class), Identifiers: identifiers,
	})
	if err != nil {
		return entry.Handle{}, err
	}
	if len(answer.GetHandle()) != entry.IDSize {
		return entry.Handle{}, NotProven(errNoOutcome)
	}
	return entry.Handle(answer.GetHandle()), nil
}

// RequestID draws a random request id.
func (s *Session) RequestID() (id entry.RequestID, err error) {
	if _, err := io.ReadFull(s.rand, id[:]); err != nil {
		return id, say.Local(err, "no randomness for a request id", "try again")
	}
	return id, nil
}

// SignOpen signs the entry that opens a handle which has no predecessor.
func (s *Session) SignOpen(h entry.Handle, class entry.HandleClass, jurisdiction string) (*ingest.Signed, error) {
	content, err := (&entry.HandleLink{}).EncodeContent()
	if err != nil {
		return nil, say.Local(err, "the handle cannot be opened", "try again")
	}
	return s.signSealed(sealed{
		kind: entry.KindHandle, sub: entry.SubOfHandle(h), jurisdiction: jurisdiction,
		class: entry.ClassIdentity, content: content,
		body: &entry.HandleChange{Action: entry.ActionOpen, Class: class, At: s.Now()},
	})
}

// OpenHandle hands in the signed entry that opens a handle.
func (s *Session) OpenHandle(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	return s.Append(ctx, signed)
}
