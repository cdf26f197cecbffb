package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ingest"
)

// ingestFlags are the command line of ingest.
type ingestFlags struct {
	data, work, registrar, ca, caKey string
	jurisdictions                    []string
}

// patience is how long nothing may reach the log before the command gives up;
// what waits stays in the spool.
const patience = time.Minute

func newIngest(a *app) *cobra.Command {
	var f ingestFlags
	cmd := &cobra.Command{
		Use:   "ingest --data FILE.ndjson --work DIR --registrar CREDENTIAL --device-ca CERT --device-ca-key KEY",
		Short: "Ingest FHIR Observations, one a line, a device per patient",
		Long: `Ingest a file of FHIR R4 Observations as the ingest service. Each patient is registered at first
sight, gets a device with a key of its own, and a jurisdiction in turn. Readings are spooled, sealed,
before they are sent, and leave the spool only when their receipts have been verified here. Run it
again after an interruption: it goes on where it was, with the same bytes.

The folder --work knows the patients and their devices: keep it, and give it again with every
further file, under a name of its own. Lines added at the end of a file are taken by the next run,
also when the file was moved. An Observation that stands in two files is ingested twice.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.ingest(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.data, "data", "", "FHIR R4 Observations, one a line")
	cmd.Flags().StringVar(&f.work, "work", "", "folder of the spool and the receipts")
	cmd.Flags().StringVar(&f.registrar, "registrar", "", "credential of the registrar who registers new patients")
	cmd.Flags().StringVar(&f.ca, "device-ca", "", "certificate of the authority for devices")
	cmd.Flags().StringVar(&f.caKey, "device-ca-key", "", "its private key")
	cmd.Flags().StringSliceVar(&f.jurisdictions, "jurisdiction", []string{"eu", "us"}, "jurisdictions, taken in turn by patient")
	return required(cmd, "data", "work", "registrar", "device-ca", "device-ca-key")
}

// intake is an ingest under way.
type intake struct {
	a       *app
	f       ingestFlags
	name    string // of the input, in the spool
	skipped passedOver
	logger  *slog.Logger
	*ingest.Work
	callers []*client.Caller
}

// jsonIngest is what an ingest did.
type jsonIngest struct {
	Readings int `json:"readings"`
	Verified int `json:"receipts_verified"`
	Refused  int `json:"refused"`
	Erased   int `json:"erased"`
	Skipped  int `json:"skipped_lines"`
}

func (a *app) ingest(ctx context.Context, f ingestFlags) (err error) {
	if len(f.jurisdictions) == 0 {
		return say.Usage("name at least one with --jurisdiction", "no jurisdiction is named")
	}
	source, name, err := ingest.OpenInput(f.data)
	if err != nil {
		return say.Input(f.data, err)
	}
	// Asked once before anything begins: the delivery itself waits for a server
	// that is away, which at a command line looks like nothing happening.
	if err := a.as(func(c *client.Caller) error { _, _, err := c.Checkpoint(ctx); return err }); err != nil {
		return errors.Join(err, source.Close())
	}
	in := &intake{a: a, f: f, name: name, logger: slog.New(slog.DiscardHandler)}
	defer func() { err = errors.Join(err, source.Close()) }()
	in.Work, err = ingest.OpenWork(ingest.SpoolConfig{Dir: f.work, Now: time.Now, Rand: rand.Reader, Logger: in.logger})
	if err != nil {
		return say.Local(err, "the working folder cannot be used", "give another --work, or end the process that uses it")
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if err := settleInput(in.Spool, f.data, name); err != nil {
		return err
	}
	summary, err := in.run(ctx, source)
	if err != nil {
		return say.Ingest(err, patience)
	}
	return a.ingested(f, summary, in.skipped.text())
}

// ingested prints what was done; lines that are not in the log are a failure: no
// later run reads them again.
func (a *app) ingested(f ingestFlags, summary ingest.Summary, skipped string) error {
	out := jsonIngest(summary)
	err := a.Result(out, func(p *say.Page) {
		p.Row("readings", out.Readings)
		p.Row("receipts verified", out.Verified)
		p.Row("refused for good", out.Refused)
		p.Row("of erased persons", out.Erased)
		p.Row("lines skipped", out.Skipped)
		p.Row("receipts in", filepath.Join(f.work, ingest.ReceiptsDir))
	})
	if err != nil || out.Skipped+out.Refused == 0 {
		return err
	}
	return say.Refused("NOT_ALL", fmt.Sprintf("%d lines are no readings of a subject, and %d readings were refused for good%s",
		out.Skipped, out.Refused, skipped), "these are not in the log, and are passed over from now on",
		"correct those lines and ingest them as a file of their own, with the same --work")
}

func (in *intake) close() error {
	for _, c := range in.callers {
		c.Close()
	}
	return in.Close()
}

// as makes the caller of a credential, who keeps receipts in the working folder.
func (in *intake) as(c *credential.Credential) (*client.Caller, error) {
	server, err := in.a.server("name it with --server https://host:port")
	if err != nil {
		return nil, err
	}
	caller, err := client.Open(c, in.Receipts.Attach(client.Config{URL: server, Now: time.Now, Logger: in.logger}), rand.Reader)
	if err != nil {
		return nil, say.Local(err, "the connection cannot be prepared", "look at the credential in "+c.Dir)
	}
	in.callers = append(in.callers, caller)
	return caller, nil
}

func (in *intake) run(ctx context.Context, source *ingest.NDJSON) (ingest.Summary, error) {
	service, err := in.a.credential()
	if err != nil {
		return ingest.Summary{}, err
	}
	onboarding, err := in.onboarding()
	if err != nil {
		return ingest.Summary{}, err
	}
	speaker, err := in.as(service)
	if err != nil {
		return ingest.Summary{}, err
	}
	total, err := source.Total()
	if err != nil {
		return ingest.Summary{}, err
	}
	bar := in.a.Progress("ingesting", int64(total))
	job, err := ingest.NewJob(ingest.JobConfig{
		Source: source, Spool: in.Spool, Client: speaker.Client, Receipts: in.Receipts, Onboarding: onboarding, Logger: in.logger, Now: time.Now,
		Jurisdiction: func(_ string, nth int) string { return in.f.jurisdictions[nth%len(in.f.jurisdictions)] },
		Progress:     func(p ingest.Progress) { bar.Set(int64(p.Done)) },
		Skipped:      in.skipped.add,
		Patience:     patience, Name: in.name,
	})
	if err != nil {
		return ingest.Summary{}, err
	}
	summary, err := job.Run(ctx)
	if err == nil {
		bar.Set(int64(total)) // what earlier runs did is done as well
	}
	bar.Finish()
	return summary, err
}

func (in *intake) onboarding() (*ingest.Onboarding, error) {
	registrar, err := loadCredential(in.f.registrar)
	if err != nil {
		return nil, err
	}
	speaker, err := in.as(registrar)
	if err != nil {
		return nil, err
	}
	maker, err := ingest.ReadDeviceCA(in.f.ca, in.f.caKey)
	if err != nil {
		return nil, say.Usage("name the authority init made in ca/, or another one", "the authority for devices cannot be read: %v", err)
	}
	return ingest.NewOnboarding(ingest.OnboardingConfig{
		Client: speaker.Client, Registrar: registrar.Key, Log: registrar.LogID(), Spool: in.Spool,
		Identity: maker.Identity(rand.Reader, time.Now),
		Now:      time.Now, Rand: rand.Reader,
	})
}
