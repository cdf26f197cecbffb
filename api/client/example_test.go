package client_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"path/filepath"
	"time"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/ledger/entry"
	"indelible/proof"
)

// signer is a private key.
type signer = crypto.Signer

var quiet = slog.New(slog.DiscardHandler)

// appendReading signs a reading with the device and hands it in as the service that
// relays for it.
func appendReading(ctx context.Context, text string) client.Outcome {
	service := open("ingest-service")
	defer service.Close()
	device, err := client.NewDevice(client.DeviceConfig{
		Key: deviceKey, Log: service.Log(), Binding: binding, Jurisdiction: "eu",
		State: state, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		log.Panic(err)
	}
	signed, err := device.Sign(map[entry.Class]client.Content{
		entry.ClassClinical: {MediaType: "text/plain", Bytes: []byte(text)},
	})
	if err != nil {
		log.Panic(err)
	}
	state = device.State() // to be made durable together with what was signed
	outcome, err := service.Append(ctx, signed)
	if err != nil {
		log.Panic(err)
	}
	return outcome
}

// state is where the device stands in its own chain.
var state = client.DeviceState{Boot: 1}

// open makes a caller of one of the credentials that indelibled init has made.
func open(name string) *client.Caller {
	c, err := credential.Load(filepath.Join(folder, name))
	if err != nil {
		log.Panic(err)
	}
	caller, err := client.Open(c, client.Config{URL: url, Now: time.Now, Logger: quiet}, rand.Reader)
	if err != nil {
		log.Panic(err)
	}
	return caller
}

// A device signs a reading (of FHIR resources package ingest makes the parts); the ingest service hands it in and gets a receipt, which
// the client has verified.
func ExampleClient_Append() {
	ctx := context.Background()
	c, err := credential.Load(filepath.Join(folder, "ingest-service"))
	if err != nil {
		log.Panic(err)
	}
	service, err := client.Open(c, client.Config{URL: url, Now: time.Now, Logger: slog.Default()}, rand.Reader)
	if err != nil {
		log.Panic(err)
	}
	defer service.Close()
	device, err := client.NewDevice(client.DeviceConfig{
		Key: deviceKey, Log: service.Log(), Binding: binding, Jurisdiction: "eu",
		State: state, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		log.Panic(err)
	}
	signed, err := device.Sign(map[entry.Class]client.Content{
		entry.ClassClinical: {MediaType: "text/plain", Bytes: []byte("heart rate 61/min")},
	})
	if err != nil {
		log.Panic(err)
	}
	state = device.State() // to be made durable together with what was signed
	outcome, err := service.Append(ctx, signed)
	if err != nil {
		log.Panic(err) // a refusal says what to do next: see client.Meaning
	}
	again, err := service.Append(ctx, signed) // the same bytes are logged once
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(outcome.Proven.Statement.Kind, "proven:", outcome.Proven.Receipt.Index == again.Proven.Receipt.Index, again.Duplicate)
	// Output: reading proven: true true
}

// A receipt is verified offline, from the statement in one's own hands and the policy
// that was pinned. The node is asked nothing.
func ExampleProven() {
	outcome := appendReading(context.Background(), "heart rate 62/min")
	file := outcome.Proven.Receipt.Marshal() // a .tlog-proof (C2SP), to be kept beside the statement

	policy, err := credential.ReadPolicy(filepath.Join(folder, "auditor", credential.PolicyFile))
	if err != nil {
		log.Panic(err)
	}
	receipt, err := proof.ParseReceipt(file)
	if err != nil {
		log.Panic(err)
	}
	proven, err := proof.Verify(policy, outcome.Proven.Statement, receipt)
	if err != nil {
		log.Panic(err)
	}
	fmt.Println("in the log, cosigned by", proven.CosignedBy)
	// Output: in the log, cosigned by [n1]
}

// A clinician looks a person up and reads one record. Both are entries in the log
// before they are answered.
func ExampleClient_Read() {
	ctx := context.Background()
	appendReading(ctx, "heart rate 63/min")
	clinician := open("clinician")
	defer clinician.Close()
	found, err := clinician.Find(ctx, "eu", "Patient/1", entry.PurposeTREAT)
	if err != nil {
		log.Panic(err)
	}
	page, err := clinician.Read(ctx, client.ReadRequest{Jurisdiction: "eu", Handle: found.Handle, Purpose: entry.PurposeTREAT, Limit: 100})
	if err != nil {
		log.Panic(err)
	}
	newest := page.Records[len(page.Records)-1]
	fmt.Printf("%s\n", newest.Parts[entry.ClassClinical].Bytes)
	fmt.Println("recorded as", page.Access.Statement.Kind, "entry:", page.Access.Receipt.Index > newest.Receipt.Index)
	// Output:
	// heart rate 63/min
	// recorded as access entry: true
}
