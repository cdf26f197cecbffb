package quickstart

import (
	"context"
	"fmt"
	"time"

	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ingest"
)

// patience is how long the job may go without a reading reaching the log.
const patience = time.Minute

// ingestReadings lets the devices sign and the ingest service append. A rerun
// goes on at the offset that was kept with the last spooled reading.
func (s *show) ingestReadings(ctx context.Context) error {
	total, err := s.source.Total()
	if err != nil {
		return say.Local(err, "the input cannot be counted", "correct the input")
	}
	s.scene("The devices sign %s; the ingest service appends them and keeps a receipt of each", count(int(total), "reading"))
	bar := s.Printer.Progress("  ingesting", int64(total))
	job, err := ingest.NewJob(ingest.JobConfig{
		Source: s.source, Spool: s.work.Spool, Client: s.roles[founding.Service].Client, Receipts: s.work.Receipts, Onboarding: s.onboard,
		Jurisdiction: jurisdictionOf, Logger: s.logger, Now: time.Now,
		Progress: func(p ingest.Progress) { bar.Set(int64(p.Done)) }, Patience: patience,
	})
	if err != nil {
		return err
	}
	ingested, err := job.Run(ctx)
	if err != nil {
		return say.Ingest(err, patience)
	}
	bar.Set(int64(total))
	bar.Finish()
	if ingested.Refused > 0 || ingested.Skipped > 0 {
		s.tell("  %d lines are no readings of a subject, %d readings were refused for good and kept aside with the reason",
			ingested.Skipped, ingested.Refused)
	}
	return nil
}

// count is a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
