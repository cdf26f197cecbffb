package ingest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"indelible/ingest/fhir"
	"indelible/ledger/entry"
	"indelible/proof"
	"indelible/test/seed"
)

// childJob is what the child of TestJobKill needs to know.
type childJob struct {
	URL       string
	CA        []byte // certificate, DER
	CAKey     []byte // PKCS #8
	Policy    []byte
	LogID     entry.LogID
	Registrar []byte // seed
	Dir       string
	Patients  int
	Readings  int
}

// TestJobKillChild is the process that TestJobKill kills: one run of a job. Without
// a task it has nothing to do.
func TestJobKillChild(t *testing.T) {
	file := os.Getenv("INGEST_JOB_TASK")
	if file == "" {
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var task childJob
	if err := json.Unmarshal(content, &task); err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(task.CA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(task.CAKey)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := NewDeviceCA(certificate, key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := proof.ParsePolicy(task.Policy)
	if err != nil {
		t.Fatal(err)
	}
	server := &testServer{t: t, url: task.URL, ca: ca, log: &testLog{
		id: task.LogID, policy: policy, registrar: ed25519.NewKeyFromSeed(task.Registrar),
	}}
	r := newRig(t, server, task.Dir)
	r.run(newTestGenerator(t, task.Patients, task.Readings))
	r.close()
}

// kill -9 in the middle, again and again, then a run to the end: every reading of
// the source is in the log once, byte for byte, with a receipt that verifies.
func TestJobKill(t *testing.T) {
	random := seed.Rand(t)
	log := newTestLog(t)
	server := newTestServer(t, log)
	const patients, readings = 6, 300
	caKey, err := x509.MarshalPKCS8PrivateKey(server.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	task := childJob{
		URL: server.url, CA: server.ca.certificate.Raw, CAKey: caKey, Policy: log.policy.Marshal(), LogID: log.id,
		Registrar: log.registrar.Seed(), Dir: filepath.Join(dir, "ingest"), Patients: patients, Readings: readings,
	}
	content, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "task.json")
	writeFile(t, file, string(content))
	kills := killUntilDone(t, server, file, random)
	r := newRig(t, server, task.Dir)
	defer r.close()
	if n, _ := r.spool.Pending(); n != 0 {
		t.Errorf("%d readings still wait", n)
	}
	checkOnce(t, server, newTestGenerator(t, patients, readings))
	if len(log.byID) != readings+3*patients || readingsOf(t, log) != readings {
		t.Errorf("%d entries, %d readings", len(log.byID), readingsOf(t, log))
	}
	proven := map[entry.StatementID]bool{}
	for p, err := range r.receipts.All() {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proof.Verify(log.policy, p.Statement, p.Receipt); err != nil {
			t.Fatal(err)
		}
		proven[p.Statement.ID()] = true
	}
	if len(proven) != readings+3*patients {
		t.Errorf("%d statements have a receipt", len(proven))
	}
	t.Logf("killed %d times", kills)
}

// killUntilDone runs children until one ends by itself, killing some of them in the
// middle of a call.
func killUntilDone(t *testing.T, server *testServer, task string, random *rand.Rand) (kills int) {
	t.Helper()
	const maxKills = 12
	for {
		child := exec.Command(os.Args[0], "-test.run=^TestJobKillChild$")
		child.Env = append(os.Environ(), "INGEST_JOB_TASK="+task)
		drainCalls(server)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- child.Wait() }()
		var err error
		killed := false
		for calls := random.IntN(4); !killed; calls-- {
			select {
			case <-server.called:
				if calls > 0 || kills == maxKills {
					continue
				}
				kills++
				killed = true
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				err = <-ended
			case err = <-ended:
				if err != nil {
					t.Fatalf("a run that was not killed failed: %v", err)
				}
				return kills
			}
		}
		if err == nil { // it was done before it was killed
			return kills
		}
	}
}

// checkOnce compares what the server can open with the source: each record once.
func checkOnce(t *testing.T, server *testServer, source Source) {
	t.Helper()
	count := map[string]int{}
	for id := range server.log.byID {
		parts := server.openings[id]
		if parts[entry.ClassClinical] == nil {
			continue
		}
		clinical, err := entry.ParseOpening(parts[entry.ClassClinical])
		if err != nil {
			t.Fatal(err)
		}
		spans, err := entry.ParseOpening(parts[entry.ClassIdentity])
		if err != nil {
			t.Fatal(err)
		}
		original, err := fhir.Splice(clinical.Content, spans.Content)
		if err != nil {
			t.Fatal(err)
		}
		count[string(original)]++
	}
	records, _ := rest(t, source)
	for i, record := range records {
		if count[record] != 1 {
			t.Errorf("record %d is in the log %d times", i, count[record])
		}
	}
}
