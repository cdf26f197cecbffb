package node

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/api/client/credential"
	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/founding"
	"indelible/ledger/vault/store"
	"indelible/raft"
)

// founded is the configuration of a log that was founded at a time.
func founded(t *testing.T, at time.Time) (founding.Site, config.Config) {
	t.Helper()
	rule, err := founding.ParseRule("eu=gdpr")
	if err != nil {
		t.Fatal(err)
	}
	spec := founding.Spec{
		Dir: filepath.Join(t.TempDir(), "site"), Listen: "127.0.0.1:0", Rand: rand.Reader, Now: func() time.Time { return at },
	}
	spec.Jurisdictions = append(spec.Jurisdictions, rule)
	site, err := founding.Found(spec)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(site.Config(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return site, cfg
}

// fails opens a node that must not open, and gives its reason.
func fails(t *testing.T, cfg config.Config) error {
	t.Helper()
	n, err := Open(t.Context(), cfg, "test", io.Discard)
	if err == nil {
		t.Fatal(errors.Join(errors.New("the node opened"), n.Close()))
	}
	return err
}

// TestAFolderThatCannotBeWrittenIsNotInUse: nobody looks for a process that is
// not there.
func TestAFolderThatCannotBeWrittenIsNotInUse(t *testing.T) {
	t.Parallel()
	_, cfg := founded(t, time.Now())
	// A folder in the lock's place fails for the superuser too.
	if err := os.MkdirAll(filepath.Join(cfg.Dir, lockFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := fails(t, cfg); errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), lockFile) {
		t.Fatalf("got %v", err)
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, ledgerDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Fsck(t.Context(), cfg, io.Discard, nil); err == nil || errors.Is(err, ErrInUse) {
		t.Fatalf("fsck: %v", err)
	}
}

// TestTwoNodesNeverShareAFolder in one process; between processes the operating
// system keeps them apart by the same lock.
func TestTwoNodesNeverShareAFolder(t *testing.T) {
	t.Parallel()
	_, cfg := founded(t, time.Now())
	n, err := Open(t.Context(), cfg, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := fails(t, cfg); !errors.Is(err, ErrInUse) {
		t.Errorf("a second node: %v", err)
	}
	if _, err := Fsck(t.Context(), cfg, io.Discard, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("fsck beside it: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestANodeDoesNotServeWithACertificateNobodyTakes: it would say that it is
// ready, and no client could tell why it is not.
func TestANodeDoesNotServeWithACertificateNobodyTakes(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Time{
		"run out": time.Now().AddDate(-3, 0, 0), "not begun": time.Now().AddDate(0, 0, 1),
	} {
		_, cfg := founded(t, at)
		if err := fails(t, cfg); !strings.Contains(err.Error(), cfg.Certificate) || !strings.Contains(err.Error(), "the clock says") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The node's own is renewed, the authority of the callers is not.
	old, _ := founded(t, time.Now().AddDate(-11, 0, 0))
	_, cfg := founded(t, time.Now())
	cfg.CA = old.CA()
	if err := fails(t, cfg); !strings.Contains(err.Error(), cfg.CA) {
		t.Errorf("authority run out: %v", err)
	}
}

// open opens a node that was founded now.
func open(t *testing.T) *Node {
	t.Helper()
	_, cfg := founded(t, time.Now())
	n, err := Open(t.Context(), cfg, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTheReasonOfABrokenNodeIsNotLost when its edge ends at the same moment:
// whoever does not see it closes what cannot be trusted.
func TestTheReasonOfABrokenNodeIsNotLost(t *testing.T) {
	t.Parallel()
	for range 5 {
		n := open(t)
		if err := n.listener.Close(); err != nil { // the edge ends at once
			t.Fatal(err)
		}
		disk := errors.New("the disk is gone")
		n.stop(disk)
		if err := n.Run(t.Context()); !errors.Is(err, raft.ErrBroken) || !strings.Contains(err.Error(), disk.Error()) {
			t.Fatalf("the node ended with %v", err)
		}
	}
}

// TestAFaultBeforeRaftIsOpenReachesIt: a database can report one while the rest
// of the node is still being opened.
func TestAFaultBeforeRaftIsOpenReachesIt(t *testing.T) {
	t.Parallel()
	_, cfg := founded(t, time.Now())
	n := &Node{cfg: cfg, logger: newLogger(cfg, io.Discard), fs: vfs.Default, stores: map[string]*store.Store{}, broken: make(chan error, 1)}
	for _, step := range []func() error{n.readIdentity, n.lockDir, n.openLedger, n.openStores} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	disk := errors.New("the disk is gone")
	n.stop(disk)
	if err := n.openRaft(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := n.raft.Run(ctx); !errors.Is(err, raft.ErrBroken) || ctx.Err() != nil {
		t.Fatalf("raft ended with %v", err)
	}
}

// TestAForeignTLSKeyIsNotServedWith: a pair of key and certificate that fit each
// other, of another node.
func TestAForeignTLSKeyIsNotServedWith(t *testing.T) {
	t.Parallel()
	_, other := founded(t, time.Now())
	_, cfg := founded(t, time.Now())
	key, err := os.ReadFile(filepath.Join(other.Keys, founding.TLSKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Keys, founding.TLSKeyFile), key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fails(t, cfg); !strings.Contains(err.Error(), "not for the key") {
		t.Errorf("a key without its certificate: %v", err)
	}
	cfg.Certificate = other.Certificate
	if err := fails(t, cfg); !strings.Contains(err.Error(), "another TLS key") {
		t.Errorf("the pair: %v", err)
	}
}

// TestTheDebugListenerIsOffUntilItIsSet: and where it is set, for operators.
func TestTheDebugListenerIsOffUntilItIsSet(t *testing.T) {
	t.Parallel()
	off := open(t)
	if off.debug != nil {
		t.Error("it listens without having been told to")
	}
	if err := off.Close(); err != nil {
		t.Fatal(err)
	}
	site, cfg := founded(t, time.Now())
	cfg.DebugListen = "127.0.0.1"
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "debug-listen") {
		t.Errorf("an address without a port: %v", err)
	}
	cfg.DebugListen = "127.0.0.1:0"
	n, err := Open(t.Context(), cfg, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	<-n.Ready()
	for name, want := range map[string]int{founding.Operator1: http.StatusOK, founding.Registrar1: http.StatusForbidden} {
		c, err := credential.Load(site.Credential(name))
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: c.TLS(), DisableKeepAlives: true}}
		answer, err := client.Get("https://" + n.debug.Addr().String() + "/debug/vars")
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != want {
			t.Errorf("%s: %s", name, answer.Status)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := errors.Join(<-ended, n.Close()); err != nil {
		t.Fatal(err)
	}
}
