package quickstart

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ingest"
)

// What the built-in generator makes.
const (
	generatedPatients = 24
	generatedReadings = 1_200
	generatedSpan     = 30 * 24 * time.Hour // before the first run
)

// subject is one patient of the input.
type subject struct {
	reference    string
	jurisdiction string
	enrolled     *ingest.Enrolled
	originals    map[[sha256.Size]byte]bool // hashes of its input lines; kept for the first two only
}

// openData opens the input, if it is a file, and learns who is in it, before
// anything is made: a file that is of no use leaves nothing behind.
func (s *show) openData() error {
	if s.Data == "" {
		s.input = generated
		return nil
	}
	source, name, err := ingest.OpenInput(s.Data)
	if err != nil {
		return say.Input(s.Data, err)
	}
	s.source, s.input = source, name
	return s.findSubjects()
}

// generated names the input that is no file.
const generated = "generated"

// openSource checks that the directory goes on with the input it was begun with,
// and opens the generator with the seed this directory drew at its first run.
func (s *show) openSource() error {
	begun, err := s.work.Spool.Once(journal+"input", func() ([]byte, error) { return []byte(s.input), nil })
	if err != nil {
		return say.Local(err, "the name of the input cannot be kept", "look at the disk")
	}
	if string(begun) != s.input {
		return say.Refused("INPUT_CHANGED", "this directory was begun with other readings", "nothing was registered or ingested",
			"give the same --data as before (or none, if it was none), or another --dir")
	}
	if s.source != nil {
		return nil
	}
	raw, err := s.work.Spool.Once(journal+"generator", func() ([]byte, error) {
		var seed [16]byte
		_, err := io.ReadFull(rand.Reader, seed[:8])
		binary.BigEndian.PutUint64(seed[8:], uint64(time.Now().Add(-generatedSpan).Unix()))
		return seed[:], err
	})
	if err != nil {
		return say.Local(err, "the generator's seed cannot be kept", "look at the disk")
	}
	s.source, err = ingest.NewGenerator(ingest.GeneratorConfig{
		Seed: binary.BigEndian.Uint64(raw), Patients: generatedPatients, Readings: generatedReadings,
		Start: time.Unix(int64(binary.BigEndian.Uint64(raw[8:])), 0).UTC(),
	})
	if err != nil {
		return err
	}
	return s.findSubjects()
}

// registerSubjects gives every subject of the input a handle, a device with a certified
// key, and a binding of the two.
func (s *show) registerSubjects(ctx context.Context) error {
	s.scene("%s: each gets a handle and a device with its own key, alternating between %s and %s",
		count(len(s.subjects), "subject"), firstJurisdiction, secondJurisdiction)
	maker, err := ingest.ReadDeviceCA(s.site.DeviceCA())
	if err != nil {
		return unusable(err, "the authority of devices")
	}
	registrar := s.roles[founding.Registrar1]
	s.onboard, err = ingest.NewOnboarding(ingest.OnboardingConfig{
		Client: registrar.Client, Registrar: registrar.Credential.Key, Log: registrar.Log(), Spool: s.work.Spool,
		Identity: maker.Identity(rand.Reader, time.Now), Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		return err
	}
	bar := s.Printer.Progress("  registering", int64(len(s.subjects)))
	for i := range s.subjects {
		p := &s.subjects[i]
		if p.enrolled, err = s.onboard.Register(ctx, p.reference, p.jurisdiction); err != nil {
			return err
		}
		bar.Set(int64(i + 1))
	}
	bar.Finish()
	return nil
}

// findSubjects reads the input from its beginning.
func (s *show) findSubjects() error {
	if err := s.source.Seek(ingest.Position{}); err != nil {
		return fmt.Errorf("read the input: %w", err)
	}
	place := map[string]int{}
	for {
		line, _, err := s.source.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *ingest.LineError
		switch {
		case err == nil:
			s.noteSubject(place, line)
		case !errors.As(err, &bad):
			return say.Usage("name a file of FHIR Observations, one a line", "the input cannot be read: %s", say.Reason(err))
		}
	}
	if len(s.subjects) == 0 {
		return say.Usage("name a file of FHIR Observations with a subject, one a line", "the input has no Observation with a subject")
	}
	return s.source.Seek(ingest.Position{})
}

// shown is how many subjects the story reads back and erases.
const shown = 2

// noteSubject adds the subject of a line at its first appearance. What is wrong
// with a line is reported by the job that ingests it.
func (s *show) noteSubject(place map[string]int, line []byte) {
	_, reference, err := ingest.ObservationReading(line)
	if err != nil || reference == "" {
		return
	}
	i, known := place[reference]
	if !known {
		i = len(s.subjects)
		place[reference] = i
		s.subjects = append(s.subjects, subject{reference, jurisdictionOf(reference, i), nil, map[[sha256.Size]byte]bool{}})
	}
	if i < shown {
		s.subjects[i].originals[sha256.Sum256(line)] = true
	}
}

// jurisdictionOf alternates by order of appearance.
func jurisdictionOf(_ string, nth int) string {
	if nth%2 == 0 {
		return firstJurisdiction
	}
	return secondJurisdiction
}
