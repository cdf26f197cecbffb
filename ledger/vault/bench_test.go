package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// batchOf makes a batch of 256 readings of 16 persons, of the size of a FHIR
// Observation.
func batchOf(b *testing.B, s *site) []Record {
	people := make([]*person, 16)
	for i := range people {
		var err error
		people[i], err = s.register(fmt.Sprint("mrn|", i))
		s.must(err)
	}
	clinical := append([]byte(`{"resourceType":"Observation","x":"`), bytes.Repeat([]byte{'x'}, 700)...)
	records := make([]Record, 256)
	for i := range records {
		records[i] = s.reading(people[i%len(people)], append(clinical, `"}`...), bytes.Repeat([]byte{'y'}, 400))
	}
	return records
}

// BenchmarkSeal seals batches of 256 and answers without a store: what the
// vault itself costs.
func BenchmarkSeal(b *testing.B) {
	s := newSite(b, 1, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	records := batchOf(b, s)
	answer := make([]byte, 9*len(records))
	s.vault.env.Propose = func(_ context.Context, c Command) (Result, error) {
		return Result{Value: answer[:9*binary.BigEndian.Uint32(c.Body)]}, nil
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.vault.Seal(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(records)*b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkPut applies batches of 256 sealed records to a store.
func BenchmarkPut(b *testing.B) {
	s := newSite(b, 1, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	records := batchOf(b, s)
	for i := 0; b.Loop(); i++ {
		s.world.Now += hour / 2 // so that each is written again
		if _, err := s.vault.Seal(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(records)*b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkDirectory reads the records of 10,000 persons, as a process does at
// its first lookup.
func BenchmarkDirectory(b *testing.B) {
	const people = 10_000
	s := newSite(b, 1, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	for i := range people {
		_, err := s.vault.OpenSubject(b.Context(), SubjectRequest{
			Request: entry.RequestID(s.world.ID()), Class: entry.HandleSubject, Identifiers: []string{fmt.Sprint("mrn|", i)},
		})
		s.must(err)
	}
	for b.Loop() {
		v := s.newVault(s.keyring)
		if _, ok, _, err := v.directory.find(false, "mrn|77"); err != nil || !ok {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(people*b.N)/b.Elapsed().Seconds(), "persons/s")
}

// BenchmarkErase erases one person after another, all of them.
func BenchmarkErase(b *testing.B) {
	s := newSite(b, 1, vfs.NewMem(), spec(0, 0, 0, 0))
	defer s.close()
	s.must(s.round())
	for i := 0; b.Loop(); i++ {
		p, err := s.register(fmt.Sprint("mrn|", i))
		s.must(err)
		s.erase(p, entry.ScopeAll)
	}
}
