package ingest

import (
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// Who is erased while its device is being enrolled leaves nothing of that in the
// journal: not the certificates of the device either, which name the handle.
func TestForgetWhileEnrolling(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server.interrupt = func(step int) error {
		if step < 2 { // registered, handle open
			return nil
		}
		cancel()
		return connect.NewError(connect.CodeUnavailable, errors.New("gone"))
	}
	if _, err := r.onboard.Register(ctx, "Patient/1", "eu"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if len(r.spool.keys(keyEnrol)) != 1 {
		t.Fatal("no enrolment is under way")
	}
	if err := r.onboard.Forget("Patient/1"); err != nil {
		t.Fatal(err)
	}
	for _, key := range r.spool.keys("") {
		if key != keySecret && !strings.HasPrefix(key, keyRow) {
			t.Errorf("%s is still journaled", key)
		}
	}
}

// What joins a reference to its device dies in every segment, also in those where
// readings of others wait.
func TestForgetReachesOlderSegments(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	if _, err := r.onboard.Register(t.Context(), "Patient/1", "eu"); err != nil {
		t.Fatal(err)
	}
	row, _, err := r.onboard.row(r.onboard.rowKey("Patient/1"))
	if err != nil {
		t.Fatal(err)
	}
	other := newDevice(t, log.id, "eu")
	for n := 0; len(r.spool.segments) < 3 && n < 1000; n++ {
		commitAll(t, r.spool, sign(t, other, n))
	}
	if len(r.spool.segments) < 3 {
		t.Fatal("no segment is closed when it is full")
	}
	before, _ := r.spool.Pending()
	spool := filepath.Join(r.dir, "spool")
	images := []map[string][]byte{allBytes(t, spool)}
	secret := []byte(base64.StdEncoding.EncodeToString(row.Key))
	if !opensAnywhere(t, images, allBytes(t, spool), secret) {
		t.Fatal("the attack does not find what is still there: it proves nothing")
	}
	if err := r.onboard.Forget("Patient/1"); err != nil {
		t.Fatal(err)
	}
	images = append(images, allBytes(t, spool))
	if opensAnywhere(t, images, allBytes(t, spool), secret) {
		t.Error("the key of a forgotten subject's device can still be read")
	}
	if after, _ := r.spool.Pending(); after != before || len(waiting(t, r.spool, "eu")) != before {
		t.Errorf("%d readings wait, %d before", after, before)
	}
}

// Dead letters of a forgotten subject are destroyed, those of others stay.
func TestForgetReachesDeadLetters(t *testing.T) {
	log := newTestLog(t)
	r := newRig(t, newTestServer(t, log), memory(t))
	defer r.close()
	if _, err := r.onboard.Register(t.Context(), "Patient/1", "eu"); err != nil {
		t.Fatal(err)
	}
	d, err := r.onboard.device("Patient/1")
	if err != nil {
		t.Fatal(err)
	}
	other := newDevice(t, log.id, "eu")
	var buries []*client.Signed
	for _, list := range [][]*client.Signed{{sign(t, d, 1), sign(t, other, 2)}, {sign(t, d, 3)}, {sign(t, other, 4)}} {
		commitAll(t, r.spool, list...)
		var dead []refusedReading
		for _, l := range takeAll(t, r.spool, "eu") {
			dead = append(dead, refusedReading{l, entry.Refuse(entry.CodeWrongBinding, "x")})
		}
		if err := r.spool.leaveRefused(dead); err != nil {
			t.Fatal(err)
		}
		buries = append(buries, list...)
	}
	dir := filepath.Join(r.dir, "spool", "dead")
	images := []map[string][]byte{allBytes(t, dir)}
	if err := r.onboard.Forget("Patient/1"); err != nil {
		t.Fatal(err)
	}
	images = append(images, allBytes(t, dir))
	for n, signed := range buries {
		erased := signed.Statement.Author == d.Author().Author()
		if opensAnywhere(t, images, allBytes(t, dir), signed.Openings[0].Encoded) == erased {
			t.Errorf("dead letter %d: erased %v, the opposite is on the disk", n, erased)
		}
	}
	letters, err := r.spool.DeadLetters()
	if err != nil || len(letters) != 2 {
		t.Errorf("%d letters, %v", len(letters), err)
	}
}

// kill -9 between forgetting and destroying: opening the spool destroys.
func TestForgetSurvivesACrash(t *testing.T) {
	log := newTestLog(t)
	r := newRig(t, newTestServer(t, log), memory(t))
	enrolled, err := r.onboard.Register(t.Context(), "Patient/1", "eu")
	if err != nil {
		t.Fatal(err)
	}
	row, _, err := r.onboard.row(r.onboard.rowKey("Patient/1"))
	if err != nil {
		t.Fatal(err)
	}
	commitAll(t, r.spool, sign(t, newDevice(t, log.id, "eu"), 1)) // keeps the segment alive
	if err := r.onboard.forgetAuthor(enrolled.Author); err != nil {
		t.Fatal(err)
	}
	image := allBytes(t, filepath.Join(r.dir, "spool"))
	r.close()
	dir := restore(t, image)
	s := openSpool(t, dir)
	defer closeSpool(t, s)
	secret := []byte(base64.StdEncoding.EncodeToString(row.Key))
	if opensAnywhere(t, []map[string][]byte{image, allBytes(t, dir)}, allBytes(t, dir), secret) {
		t.Error("the key of a forgotten subject's device can still be read")
	}
	if len(waiting(t, s, "eu")) != 1 {
		t.Error("the other reading is gone")
	}
}

// kill -9 after each durable write of what follows a node's word that a subject is
// erased: there is no moment at which its reading is gone and what joins its
// reference to its device is not.
func TestForgetComesBeforeLeaving(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	if _, err := r.onboard.Register(t.Context(), "Patient/1", "eu"); err != nil {
		t.Fatal(err)
	}
	if err := r.spool.tidy(); err != nil { // one segment from here on
		t.Fatal(err)
	}
	d, err := r.onboard.device("Patient/1")
	if err != nil {
		t.Fatal(err)
	}
	signed := sign(t, d, 1)
	commitAll(t, r.spool, signed)
	list := takeAll(t, r.spool, "eu")
	erased := &client.Refused{Statement: signed.Statement, Code: entry.CodeSubjectErased}
	s := &sorted{erased: list, refused: []*client.Refused{erased}}
	if err := r.job(newTestGenerator(t, 1, 1)).letGo(t.Context(), "eu", s); err != nil {
		t.Fatal(err)
	}
	image := allBytes(t, r.dir)
	name := ""
	for file := range image {
		if strings.HasPrefix(file, filepath.Join("spool", "queue")) && strings.HasSuffix(file, ".seg") {
			name = file
		}
	}
	r.close()
	// Shorter steps than the shortest frame, so that each write is the last one once.
	const step = frameHeader + boxOverhead
	whole, seen, waited := image[name], map[bool]int{}, false
	for size := len(whole); size > segmentHeader; size -= step {
		image[name] = whole[:size]
		spool, err := OpenSpool(spoolConfig(filepath.Join(restore(t, image), "spool")))
		if err != nil {
			break // in the head
		}
		waits, _ := spool.Pending()
		value, _ := spool.Value(r.onboard.rowKey("Patient/1"))
		forgotten := strings.Contains(string(value), `"erased":true`)
		seen[forgotten]++
		if waited = waited || waits == 1; !waited && !forgotten {
			t.Errorf("%d bytes short: the reading has left, its subject is still known", len(whole)-size)
		}
		closeSpool(t, spool)
	}
	if !waited || seen[true] == 0 || seen[false] == 0 {
		t.Errorf("images before and after: %v", seen)
	}
}
