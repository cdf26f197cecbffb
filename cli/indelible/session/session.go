package session

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 64 << 20

// Session is one credential and one server. It may be used by several
// goroutines at once.
type Session struct {
	Credential *credential.Credential
	Server     string
	HTTP       *http.Client

	Ledger   indeliblev1connect.LedgerServiceClient
	Devices  indeliblev1connect.DevicesServiceClient
	Subjects indeliblev1connect.SubjectsServiceClient
	Records  indeliblev1connect.RecordsServiceClient
	Erasure  indeliblev1connect.ErasureServiceClient
	Cluster  indeliblev1connect.ClusterServiceClient

	key  *entry.PublicKey // of the credential
	now  func() time.Time
	rand io.Reader
}

// Open prepares the conversation; nothing is sent yet.
func Open(c *credential.Credential, server string) (*Session, error) {
	address, err := url.Parse(server)
	if err != nil || address.Scheme != "https" || address.Host == "" {
		return nil, say.Usage("give it with --server", "%q is not the address of a server: it has the form https://host:port", server)
	}
	web, err := client.HTTP(c.TLS())
	if err != nil {
		return nil, say.Local(err, "the connection cannot be prepared", "look at the credential in "+c.Dir)
	}
	key, err := entry.NewPublicKey(c.Key.Public())
	if err != nil {
		return nil, say.Local(err, "the credential's key cannot sign", "use another credential")
	}
	limit := connect.WithReadMaxBytes(maxAnswer)
	return &Session{
		Credential: c, Server: server, HTTP: web,
		Ledger:   indeliblev1connect.NewLedgerServiceClient(web, server, limit),
		Devices:  indeliblev1connect.NewDevicesServiceClient(web, server, limit),
		Subjects: indeliblev1connect.NewSubjectsServiceClient(web, server, limit),
		Records:  indeliblev1connect.NewRecordsServiceClient(web, server, limit),
		Erasure:  indeliblev1connect.NewErasureServiceClient(web, server, limit),
		Cluster:  indeliblev1connect.NewClusterServiceClient(web, server, limit),
		key:      key, now: time.Now, rand: rand.Reader,
	}, nil
}

// Close lets go of the idle connections.
func (s *Session) Close() { s.HTTP.CloseIdleConnections() }

// Policy is the pinned policy of the log.
func (s *Session) Policy() *proof.Policy { return s.Credential.Policy }

// request puts a message under its jurisdiction.
func request[T any](jurisdiction string, message *T) *connect.Request[T] {
	r := connect.NewRequest(message)
	if jurisdiction != "" {
		r.Header().Set(client.JurisdictionHeader, jurisdiction)
	}
	return r
}

// call makes one RPC and turns its error into what a person needs.
func call[Req, Res any](
	ctx context.Context, s *Session, jurisdiction string,
	rpc func(context.Context, *connect.Request[Req]) (*connect.Response[Res], error), message *Req,
) (*Res, error) {
	answer, err := rpc(ctx, request(jurisdiction, message))
	if err != nil {
		return nil, s.problem(err)
	}
	return answer.Msg, nil
}

// draft begins a statement of this credential, now and for this log.
func (s *Session) draft(kind entry.Kind, jurisdiction string, body entry.Body) (entry.Draft, error) {
	var id entry.RequestID
	if _, err := io.ReadFull(s.rand, id[:]); err != nil {
		return entry.Draft{}, say.Local(err, "no randomness for a request id", "try again")
	}
	return entry.Draft{
		Kind: kind, Log: s.Credential.LogID(), IssuedAt: uint64(s.now().UnixMilli()),
		Jurisdiction: jurisdiction, Request: &id, Body: body,
	}, nil
}

func (s *Session) sign(d entry.Draft) (*entry.Statement, error) {
	statement, err := d.Sign(s.rand, s.Credential.Key)
	if err != nil {
		return nil, say.Local(err, "the statement could not be signed", "check what it says")
	}
	return statement, nil
}
