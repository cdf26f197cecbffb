package client_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// Batches of a stream are answered in the order in which they were sent, each
// statement with a receipt of its own, and a batch sent twice is logged once.
func TestStreamProvesBatchesInOrder(t *testing.T) {
	service := open("ingest-service")
	defer service.Close()
	device, err := client.NewDevice(client.DeviceConfig{
		Key: deviceKey, Log: service.Log(), Binding: binding, Jurisdiction: "eu", State: state, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	var batches [][]*client.Signed
	for n := range 6 {
		signed, err := device.Sign(map[entry.Class]client.Content{
			entry.ClassClinical: {MediaType: "text/plain", Bytes: fmt.Appendf(nil, "heart rate %d/min", 60+n)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			batches = append(batches, nil)
		}
		batches[n/2] = append(batches[n/2], signed)
	}
	state = device.State()
	batches = append(batches, batches[0])
	stream := service.Stream(t.Context(), "eu")
	for _, batch := range batches {
		if err := stream.Send(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	var first, last []client.Outcome
	for i, batch := range batches {
		outcomes, err := stream.Receive()
		if err != nil || len(outcomes) != len(batch) {
			t.Fatalf("batch %d: %d outcomes, %v", i, len(outcomes), err)
		}
		for k, o := range outcomes {
			if o.Err() != nil || o.Proven.Statement.ID() != batch[k].Statement.ID() {
				t.Errorf("batch %d, statement %d: %+v", i, k, o)
			}
		}
		if i == 0 {
			first = outcomes
		}
		last = outcomes
	}
	for k := range first { // several batches are under way at once: either may have come first
		if first[k].Duplicate == last[k].Duplicate || first[k].Proven.Receipt.Index != last[k].Proven.Receipt.Index {
			t.Errorf("statement %d was logged twice: %+v, %+v", k, first[k], last[k])
		}
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last answer: %v", err)
	}
}
