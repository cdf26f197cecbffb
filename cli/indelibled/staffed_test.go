package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"indelible/cli/indelible/commands"
	"indelible/cli/indelibled/founding"
)

// client runs indelible in this process as one of the site's credentials and
// decodes its one object.
func (r *running) client(t testing.TB, as string, into any, args ...string) {
	t.Helper()
	code, out, remarks := r.try(t, as, args...)
	if code != 0 {
		t.Fatalf("indelible %v: exit code %d\n%s", args, code, remarks)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("indelible %v: %v in %q", args, err, out)
	}
}

// try is client for a command that may fail.
func (r *running) try(t testing.TB, as string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, remarks bytes.Buffer
	all := append([]string{"--output", "json", "--server", r.url, "--credentials", r.site.Credential(as)}, args...)
	code = commands.Run(t.Context(), all, &out, &remarks)
	return code, out.String(), remarks.String()
}

// appended is what every command that appends prints.
type appended struct {
	StatementID string `json:"statement_id"`
	Index       uint64 `json:"index"`
}

// found makes a site by init, with neither grace nor floors.
func found(t testing.TB) founding.Site {
	t.Helper()
	site := founding.Site{Dir: filepath.Join(t.TempDir(), "site")}
	none := ",grace=0s,clinical=0s,identity=0s,audit=0s"
	code, _, remarks := program(t, "init", "--dir", site.Dir, "--listen", "127.0.0.1:0", "--output", "json",
		"--jurisdiction", "eu=gdpr"+none, "--jurisdiction", "us=hipaa"+none)
	if code != 0 {
		t.Fatalf("init: exit code %d\n%s", code, remarks)
	}
	return site
}

// staff enrols everyone init made credentials for, as two registrars do it, and
// the authority of devices.
func (r *running) staff(t testing.TB) {
	t.Helper()
	var first appended
	cert, _ := r.site.DeviceCA()
	r.client(t, founding.Registrar1, &first, "ca", "activate", cert)
	r.client(t, founding.Registrar2, nil, "ca", "confirm", first.StatementID)
	for name, role := range map[string]string{
		founding.Officer1: "officer", founding.Officer2: "officer", founding.ConsentService: "consent-service",
		founding.Service: "service", founding.Clinician: "clinician", founding.Auditor: "auditor",
	} {
		r.client(t, founding.Registrar1, &first, "author", "enrol", "--role", role,
			"--certificate", filepath.Join(r.site.Credential(name), "cert.pem"), "--jurisdiction", "eu", "--jurisdiction", "us")
		if role == "officer" || role == "consent-service" {
			r.client(t, founding.Registrar2, nil, "author", "confirm", first.StatementID)
		}
	}
}

// ingested is what indelible ingest prints.
type ingested struct {
	Readings int `json:"readings"`
	Verified int `json:"receipts_verified"`
}

func (r *running) ingest(t testing.TB, file, work string) (out ingested) {
	t.Helper()
	cert, key := r.site.DeviceCA()
	r.client(t, founding.Service, &out, "ingest", "--data", file, "--work", work,
		"--registrar", r.site.Credential(founding.Registrar1), "--device-ca", cert, "--device-ca-key", key)
	return out
}

// handle finds a subject as the clinician.
func (r *running) handle(t testing.TB, reference, jurisdiction string) string {
	t.Helper()
	var found struct {
		Handle string `json:"handle"`
	}
	r.client(t, founding.Clinician, &found, "subject", "find", reference, "--jurisdiction", jurisdiction, "--purpose", "TREAT")
	return found.Handle
}

// erase takes an erasure from request to completion.
func (r *running) erase(t testing.TB, handle, jurisdiction, scope string) (request string) {
	t.Helper()
	var requested appended
	r.client(t, founding.Officer1, &requested, "erase", "request", handle, "--jurisdiction", jurisdiction, "--scope", scope)
	r.client(t, founding.Officer2, nil, "erase", "approve", requested.StatementID, "--jurisdiction", jurisdiction)
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for range 1500 {
		var status struct {
			State string `json:"state"`
		}
		r.client(t, founding.Officer1, &status, "erase", "status", requested.StatementID)
		if status.State == "complete" {
			return requested.StatementID
		}
		<-ask.C
	}
	t.Fatal("the erasure did not complete")
	return ""
}
