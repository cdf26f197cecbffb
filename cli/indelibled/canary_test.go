package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// canary is a word that occurs nowhere by chance, in the spellings in which it
// could leak.
type canary struct {
	word  string
	forms [][]byte
}

func newCanary(t *testing.T) canary {
	t.Helper()
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatal(err)
	}
	c := canary{word: "canary" + hex.EncodeToString(random[:])}
	c.forms = [][]byte{[]byte(c.word), []byte(hex.EncodeToString([]byte(c.word))), []byte(strings.ToUpper(c.word))}
	for shift := range 3 {
		// The middle of its base64 at each alignment, without the ends, which
		// depend on the neighbours.
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), c.word...))
		c.forms = append(c.forms, []byte(text[4:len(text)-3]))
	}
	return c
}

// absent demands that no form occurs in what.
func (c canary) absent(t *testing.T, where string, what []byte) {
	t.Helper()
	for _, form := range c.forms {
		if at := bytes.Index(what, form); at >= 0 {
			t.Errorf("%s holds what it must not, at byte %d of %d: …%q", where, at, len(what), what[max(at-40, 0):min(at+40, len(what))])
		}
	}
}

// agent makes calls under a user agent of its own.
func agent(name string) connect.ClientOption {
	return connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("User-Agent", name)
			return next(ctx, r)
		}
	}))
}

// TestNothingToldInConfidenceIsEverWrittenInClear plants a word in readings,
// names, identifiers, user agents, paths and malformed requests, lets people
// read and fail, and then scans every byte of every file, log line, metric and
// error text.
func TestNothingToldInConfidenceIsEverWrittenInClear(t *testing.T) {
	c := newCanary(t)
	in := newInput(t, 3, 30, c.word)
	dir := filepath.Join(t.TempDir(), "q")
	code, out, remarks := program(t, "quickstart", "--once", "--output", "json", "--dir", dir, "--data", in.file)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, remarks)
	}
	c.absent(t, "standard output", []byte(out))
	c.absent(t, "standard error", []byte(remarks))
	site := founding.Site{Dir: dir}
	var logs []byte
	serving(t, site, func(r *running) {
		c.read(t, r, in)
		c.fail(t, r)
		c.commands(t, r, in)
		logs = []byte(r.logs.String())
	})
	c.absent(t, "the node's log", logs)
	if len(logs) == 0 {
		t.Error("the node logged nothing at level debug: the scan of its log proves nothing")
	}
	c.scan(t, dir)
}

// read looks up and reads a living person with a telling user agent.
func (c canary) read(t *testing.T, r *running, in input) {
	t.Helper()
	s := r.as(t, founding.Clinician, agent(c.word+"-agent/1.0"))
	found, err := s.Find(t.Context(), "us", in.who[1], entry.PurposeTREAT)
	if err != nil || !found.Known {
		t.Fatalf("found %+v, %v", found, err)
	}
	page, err := s.Read(t.Context(), client.ReadRequest{
		Jurisdiction: "us", Handle: found.Handle, Identity: true, Purpose: entry.PurposeTREAT,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Records) != 10 || !bytes.Contains(page.Records[0].Parts[entry.ClassIdentity].Bytes, []byte(c.word)) {
		t.Fatalf("%d records, the canary is not in them: the scan would prove nothing", len(page.Records))
	}
	c.absent(t, "the access entry", page.Access.Statement.Bytes())
	if _, err := s.Find(t.Context(), "us", c.word+"-nobody", entry.PurposeTREAT); err != nil {
		c.absent(t, "the error of a lookup", []byte(err.Error()))
	}
	_, err = s.Find(t.Context(), "eu", strings.Repeat(c.word, 40), entry.PurposeTREAT)
	var failed *client.CallError
	if !errors.As(err, &failed) {
		t.Fatalf("an identifier that is too long: %v", err)
	}
	problem := say.AsProblem(say.Client(err, r.url, "d"))
	c.absent(t, "the error of a lookup", []byte(err.Error()+fmt.Sprintf("%+v", problem)))
}

// fail sends what is malformed, with the word in every place.
func (c canary) fail(t *testing.T, r *running) {
	t.Helper()
	web := r.web(t, founding.Registrar1)
	service := "/indelible.v1.SubjectsService/"
	for _, ask := range []struct{ method, path, body, header, kind string }{
		{"GET", "/" + c.word, "", "", ""},
		{"GET", "/tile/0/" + c.word, "", "", ""},
		{"GET", "/checkpoint?" + c.word, "", "", ""},
		{"POST", service + "Register", `{"` + c.word + `":1}`, "eu", "application/json"},
		{"POST", service + "Register", `{"identifiers":["` + c.word + `"],"class":"` + c.word + `"}`, "eu", "application/json"},
		{"POST", service + "Register", `{"identifiers":["` + c.word, "eu", "application/json"},
		{"POST", service + "Register", c.word, "eu", "application/proto"},
		{"POST", service + "Register", `{}`, c.word, "application/json"},
		{"POST", service + c.word, `{}`, "eu", "application/json"},
		{"POST", "/indelible.v1.LedgerService/AppendOpen", `{"statements":["` + base64.StdEncoding.EncodeToString([]byte(c.word)) + `"]}`, "", "application/json"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), ask.method, r.url+ask.path, strings.NewReader(ask.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Indelible-Jurisdiction", ask.header)
		req.Header.Set("Content-Type", ask.kind)
		req.Header.Set("User-Agent", c.word)
		answer, err := web.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", ask.method, ask.path, err)
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		c.absent(t, "the answer to "+ask.method+" "+strings.ReplaceAll(ask.path, c.word, "…"), append(body, fmt.Sprint(answer.Header)...))
	}
	metrics := fetch(t, r.web(t, founding.Auditor), r.url+"/metrics")
	if !bytes.Contains(metrics, []byte("indelible_")) {
		t.Errorf("no metrics to scan: %.200s", metrics)
	}
	c.absent(t, "the metrics", metrics)
}

func fetch(t *testing.T, web *http.Client, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return body
}

// commands runs the client program on the same people.
func (c canary) commands(t *testing.T, r *running, in input) {
	t.Helper()
	for _, args := range [][]string{
		{"subject", "register", "--identifier", c.word + "|42", "--jurisdiction", "eu"},
		{"subject", "register", "--identifier", c.word + "|42", "--jurisdiction", "eu"}, // known by now
		{"subject", "find", in.who[1], "--jurisdiction", "us", "--purpose", "HOPERAT"},
		{"subject", "find", in.who[0], "--jurisdiction", "eu", "--purpose", "TREAT"}, // erased
	} {
		_, out, remarks := r.try(t, founding.Registrar1, args...)
		c.absent(t, "the output of indelible "+args[0]+" "+args[1], []byte(out+remarks))
	}
}

// scan reads every file below a directory, and every row of every database:
// tables are compressed, which could hide a word from a scan of their bytes.
func (c canary) scan(t *testing.T, dir string) {
	t.Helper()
	files, scanned := 0, int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		scanned += int64(len(raw))
		c.absent(t, strings.TrimPrefix(path, dir), raw)
		c.absent(t, "a file's name", []byte(path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, name := range []string{"ledger", "raft", "vault/eu", "vault/us"} {
		rows += c.scanRows(t, filepath.Join(dir, "state", filepath.FromSlash(name)))
	}
	if files < 50 || scanned < 1<<18 || rows < 100 {
		t.Errorf("only %d files with %d bytes and %d rows were scanned", files, scanned, rows)
	}
}

// scanRows reads every database at or below a directory.
func (c canary) scanRows(t *testing.T, dir string) (rows int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if manifests, err := filepath.Glob(filepath.Join(path, "MANIFEST-*")); err != nil || len(manifests) == 0 {
			return err
		}
		db, err := pebble.Open(path, &pebble.Options{ReadOnly: true, Logger: quiet{}})
		if err != nil {
			return err
		}
		it, err := db.NewIter(nil)
		if err != nil {
			return errors.Join(err, db.Close())
		}
		for ok := it.First(); ok; ok = it.Next() {
			rows++
			value, err := it.ValueAndErr()
			if err != nil {
				return errors.Join(err, it.Close(), db.Close())
			}
			c.absent(t, "a row of "+path, append(bytes.Clone(it.Key()), value...))
		}
		return errors.Join(it.Close(), db.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// quiet is a logger that says nothing.
type quiet struct{}

// Infof implements pebble.Logger.
func (quiet) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (quiet) Errorf(string, ...any) {}

// Fatalf implements pebble.Logger.
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
