package client_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"indelible/api/client"
	"indelible/api/client/credential"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/indelible/commands"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// word is what a hostile server says wherever it can say something.
const word = "CANARY-7f3a"

// wireError is a call's error as the Connect protocol writes it.
func wireError(code string, details ...proto.Message) []byte {
	type detail struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	out := struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Details []detail `json:"details"`
	}{Code: code, Message: word + " in a message"}
	for _, d := range details {
		raw, err := proto.Marshal(d)
		if err != nil {
			panic(err)
		}
		out.Details = append(out.Details, detail{string(d.ProtoReflect().Descriptor().FullName()), base64.RawStdEncoding.EncodeToString(raw)})
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return raw
}

func wordy(code string) *indeliblev1.Refusal {
	return &indeliblev1.Refusal{Code: code, Text: word + " Incident 00ff00ff00ff00ff. " + word, NotDone: word, Next: word}
}

// hostile answers are what a server may send instead of an answer of its own.
func hostileAnswers() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{
		"an error page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/"+word)
			http.Error(w, word, http.StatusInternalServerError)
		},
		"another content": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/"+word)
			_, _ = io.WriteString(w, word)
		},
		"another encoding": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			w.Header().Set("Content-Encoding", word)
			_, _ = io.WriteString(w, word)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+word+"/", http.StatusFound)
		},
		"no message": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			_, _ = io.WriteString(w, word+word+word)
		},
		"nothing": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		},
		"outcomes": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			raw, err := proto.Marshal(&indeliblev1.AppendResponse{Outcomes: []*indeliblev1.Outcome{{
				Status: indeliblev1.Outcome_STATUS_DUPLICATE, StatementId: []byte(word), Receipt: []byte(word),
				LoggedStatement: []byte(word), Refusal: wordy(word),
			}}})
			if err != nil {
				panic(err)
			}
			_, _ = w.Write(raw)
		},
		"a status": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			raw, err := proto.Marshal(&indeliblev1.StatusResponse{
				Node: word + "\x1b[2J", Version: "\x1b" + word, Groups: []*indeliblev1.Group{{Jurisdiction: word + " ", Leader: "\n" + word}},
			})
			if err != nil {
				panic(err)
			}
			_, _ = w.Write(raw)
		},
		"the end": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	maps.Copy(all, hostileErrors())
	return all
}

// hostileErrors are errors of the protocol with the word in every place.
func hostileErrors() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{}
	for _, code := range []string{
		"canceled", "invalid_argument", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition", "unavailable", word,
	} {
		for name, details := range map[string][]proto.Message{
			"bare":         nil,
			"known code":   {wordy(string(entry.CodeWrongState)), &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)}},
			"unknown code": {wordy(word)},
			"new code":     {wordy("SOMETHING_NEW"), &indeliblev1.Overload{RetryAfterMs: 1}},
			"placement": {&indeliblev1.Placement{Jurisdiction: "eu", Nodes: []*indeliblev1.PlacedNode{
				{Name: word, Url: word}, {Name: word, Url: "https://" + word + ".invalid"},
			}}},
			"access denied": {wordy("ACCESS_DENIED"), &indeliblev1.AccessDenied{Access: &indeliblev1.Evidence{Statement: []byte(word), Receipt: []byte(word)}}},
			"foreign":       {&errdetails.LocalizedMessage{Locale: word, Message: word}},
		} {
			body := wireError(code, details...)
			all[code+", "+name] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set(word, word)
				w.WriteHeader(http.StatusTeapot)
				_, _ = w.Write(body)
			}
		}
	}
	return all
}

// hostileServer answers as its handler does, under a certificate of the log's own
// authority.
func hostileServer(t *testing.T, site founding.Site, answer *atomic.Pointer[http.HandlerFunc]) string {
	t.Helper()
	chain, err := credential.ReadCertificates(site.CA())
	if err != nil {
		t.Fatal(err)
	}
	caKey, err := credential.ReadKey(filepath.Join(site.Dir, "ca", "ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(9), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, chain[0], key.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// calls are every way to ask a node something, by name.
func calls(signed *client.Signed) map[string]func(context.Context, *client.Caller) error {
	id := signed.Statement.ID()
	return map[string]func(context.Context, *client.Caller) error{
		"Append": func(ctx context.Context, c *client.Caller) error { _, err := c.Append(ctx, signed); return err },
		"Deliver": func(ctx context.Context, c *client.Caller) error {
			_, err := c.Deliver(ctx, []*client.Signed{signed})
			return err
		},
		"Register": func(ctx context.Context, c *client.Caller) error {
			_, err := c.Register(ctx, "eu", entry.RequestID{1}, entry.HandleSubject, []string{"x"})
			return err
		},
		"Find": func(ctx context.Context, c *client.Caller) error {
			_, err := c.Find(ctx, "eu", "x", entry.PurposeTREAT)
			return err
		},
		"Read": func(ctx context.Context, c *client.Caller) error {
			_, err := c.Read(ctx, client.ReadRequest{Jurisdiction: "eu"})
			return err
		},
		"Erasure":      func(ctx context.Context, c *client.Caller) error { _, err := c.Erasure(ctx, id); return err },
		"Status":       func(ctx context.Context, c *client.Caller) error { _, err := c.Status(ctx); return err },
		"Checkpoint":   func(ctx context.Context, c *client.Caller) error { _, _, err := c.Checkpoint(ctx); return err },
		"CheckpointPQ": func(ctx context.Context, c *client.Caller) error { _, _, err := c.CheckpointPQ(ctx); return err },
		"Receipt": func(ctx context.Context, c *client.Caller) error {
			_, err := c.Receipt(ctx, signed.Statement)
			return err
		},
		"Entry":   func(ctx context.Context, c *client.Caller) error { _, err := c.Entry(ctx, 0); return err },
		"EntryOf": func(ctx context.Context, c *client.Caller) error { _, err := c.EntryOf(ctx, id); return err },
		"Device": func(ctx context.Context, c *client.Caller) error {
			_, err := c.Device(ctx, entry.AuthorID{1})
			return err
		},
		"Gaps": func(ctx context.Context, c *client.Caller) error {
			return c.Gaps(ctx, &indeliblev1.Device{NextPageToken: []byte{1}}, 1)
		},
		"Devices": func(ctx context.Context, c *client.Caller) error {
			for _, err := range c.Devices(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"Stream": func(ctx context.Context, c *client.Caller) error {
			s := c.Stream(ctx, "eu")
			sent := s.Send([]*client.Signed{signed})
			_, err := s.Receive()
			return errors.Join(sent, err, s.Close())
		},
	}
}

// Whatever a server says and wherever it says it, none of it is in an error, in what
// unwrapping an error shows, in a log, or in what a person is told.
func TestNothingAServerSaysIsRepeated(t *testing.T) {
	site, err := founding.Found(founding.Spec{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Now: time.Now, Rand: rand.Reader,
		Jurisdictions: []entry.JurisdictionRule{founding.Rule("eu", entry.RegimeGDPR)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer atomic.Pointer[http.HandlerFunc]
	base := hostileServer(t, site, &answer)
	cred, err := credential.Load(site.Credential(founding.Registrar1))
	if err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	cfg := client.Config{URL: base, Now: time.Now, Logger: slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	c, err := client.Open(cred, cfg, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	signed, err := c.Sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{Action: entry.AuthorSuspend, Author: entry.AuthorID{1}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, handler := range hostileAnswers() {
		answer.Store(&handler)
		for what, ask := range calls(signed) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			err := ask(ctx, c)
			cancel()
			if err == nil && what != "Status" && what != "Device" && what != "Devices" && what != "Gaps" && what != "Erasure" {
				t.Errorf("%s, %s: it was believed", what, name)
			}
			for _, e := range tree(err) {
				if text := fmt.Sprintf("%v %+v %#v", e, e, say.AsProblem(say.Client(e, base, "d"))); strings.Contains(text, word) {
					t.Errorf("%s, %s: %s", what, name, text)
				}
			}
		}
		for _, args := range [][]string{
			{"status"}, {"checkpoint"}, {"device", "list"}, {"get", "0"}, {"erase", "status", strings.Repeat("0", 64)},
			{"author", "suspend", strings.Repeat("0", 64)}, {"subject", "register", "--identifier", "x", "--jurisdiction", "eu"},
			{"subject", "find", "x", "--jurisdiction", "eu", "--purpose", "TREAT"}, {"read", strings.Repeat("0", 32), "--jurisdiction", "eu", "--purpose", "TREAT"},
			{"verify", "log"},
		} {
			format := []string{say.Text, say.JSON}[len(name)%2]
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			commands.Run(ctx, append([]string{"--credentials", cred.Dir, "--server", base, "--output", format}, args...), &told, &told)
			if ctx.Err() != nil {
				t.Errorf("%v, %s: it has no end", args, name)
			}
			cancel()
		}
		if strings.Contains(told.String(), word) {
			t.Fatalf("%s: it was told: %s", name, told.String())
		}
		told.Reset()
	}
}

// tree is an error and everything beneath it.
func tree(err error) []error {
	if err == nil {
		return nil
	}
	list := []error{err}
	switch inner := err.(type) {
	case interface{ Unwrap() error }:
		list = append(list, tree(inner.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, e := range inner.Unwrap() {
			list = append(list, tree(e)...)
		}
	}
	return list
}
