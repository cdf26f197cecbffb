package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// GeneratorConfig says which synthetic readings to make. The same configuration
// makes the same bytes.
type GeneratorConfig struct {
	Seed     uint64
	Patients int       // 1 to 1,000,000
	Readings int       // all together, taken in turn; 1 to 1,000,000,000
	Start    time.Time // effective time of the first ones
}

// Validate reports every fault of the configuration at once.
func (c GeneratorConfig) Validate() error {
	return check("generator",
		demand{c.Patients >= 1 && c.Patients <= 1_000_000, "Patients is outside 1 to 1,000,000"},
		demand{c.Readings >= 1 && c.Readings <= 1_000_000_000, "Readings is outside 1 to 1,000,000,000"},
		demand{c.Start.Year() >= 1900 && c.Start.Year() <= 9000, "Start is not a plausible date"},
	)
}

// Generator is a Source of FHIR R4 Observations as wearables of people who do not
// exist would send them: heart rate, oxygen saturation, blood pressure, body
// temperature, glucose and steps, with LOINC and UCUM codes. Each person has a
// level of its own that swings with the time of day. Names say that they are made
// up.
type Generator struct {
	cfg GeneratorConfig
	at  Position
}

// NewGenerator checks the configuration.
func NewGenerator(cfg GeneratorConfig) (*Generator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Generator{cfg: cfg}, nil
}

// Total is the number of readings.
func (g *Generator) Total() (uint64, error) { return uint64(g.cfg.Readings), nil }

// Seek continues at a position.
func (g *Generator) Seek(to Position) error {
	if to.Records > uint64(g.cfg.Readings) {
		return ErrSourceChanged
	}
	if to.Records > 0 && sha256.Sum256(g.record(to.Records-1)) != to.Last {
		return ErrSourceChanged
	}
	g.at = to
	return nil
}

// Next returns the next Observation.
func (g *Generator) Next() ([]byte, Position, error) {
	n := g.at.Records
	if n == uint64(g.cfg.Readings) {
		return nil, g.at, io.EOF
	}
	record := g.record(n)
	g.at = Position{Records: n + 1, Line: n + 1, Offset: n + 1, Start: n, Last: sha256.Sum256(record)}
	return record, g.at, nil
}

// readingEvery is the time between two readings of one person.
const readingEvery = 10 * time.Minute

// record makes the n-th reading: person n mod Patients, and that person's next
// measure in turn.
func (g *Generator) record(n uint64) []byte {
	patient := n % uint64(g.cfg.Patients)
	turn := n / uint64(g.cfg.Patients)
	at := g.cfg.Start.UTC().Add(time.Duration(turn) * readingEvery).Add(time.Duration(patient%600) * time.Second)
	random := rand.New(rand.NewPCG(g.cfg.Seed, n))
	person := rand.New(rand.NewPCG(g.cfg.Seed, patient^1<<63))
	m := measures[turn%uint64(len(measures))]
	return fmt.Appendf(nil, `{"resourceType":"Observation","id":"%s","status":"final",`+
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"%s","display":"%s"}]}],`+
		`"code":{"coding":[{"system":"http://loinc.org","code":"%s","display":"%s"}],"text":"%s"},`+
		`"subject":{"reference":"urn:uuid:%s","display":"Synthetic Person %06d"},`+
		`"device":{"display":"Synthetic Wearable %06d"},`+
		`"effectiveDateTime":"%s","issued":"%s",%s}`,
		g.uuid("observation", n), m.category, m.category, m.loinc, m.display, m.display,
		g.uuid("patient", patient), patient, patient,
		at.Format("2006-01-02T15:04:05Z"), at.Add(time.Second).Format("2006-01-02T15:04:05.000Z"),
		m.value(person, random, at))
}

// uuid is a name-based UUID (RFC 9562 section 5.8) of this generator.
func (g *Generator) uuid(kind string, n uint64) string {
	name := binary.BigEndian.AppendUint64([]byte("indelible generator "+kind+" "), g.cfg.Seed)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(name, n))
	sum[6] = sum[6]&0x0F | 0x80
	sum[8] = sum[8]&0x3F | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// measure is one kind of reading a wearable takes.
type measure struct {
	loinc, display, category string
	value                    func(person, random *rand.Rand, at time.Time) string
}

var measures = []measure{
	{"8867-4", "Heart rate", "vital-signs", func(person, random *rand.Rand, at time.Time) string {
		return quantity(level{mean: 72, spread: 12, swing: 9, noise: 6}.draw(person, random, at), 0, "beats/minute", "/min")
	}},
	{"59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "vital-signs", func(person, random *rand.Rand, at time.Time) string {
		return quantity(min(100, level{mean: 97, spread: 1, noise: 1}.draw(person, random, at)), 0, "%", "%")
	}},
	{"85354-9", "Blood pressure panel with all children optional", "vital-signs", bloodPressure},
	{"8310-5", "Body temperature", "vital-signs", func(person, random *rand.Rand, at time.Time) string {
		return quantity(level{mean: 367, spread: 2, swing: 3, noise: 2}.draw(person, random, at), 1, "Cel", "Cel")
	}},
	{"2339-0", "Glucose [Mass/volume] in Blood", "laboratory", func(person, random *rand.Rand, at time.Time) string {
		return quantity(level{mean: 98, spread: 10, swing: 14, noise: 9}.draw(person, random, at), 0, "mg/dL", "mg/dL")
	}},
	{"55423-8", "Number of steps in unspecified time Pedometer", "activity", func(person, random *rand.Rand, at time.Time) string {
		return quantity(max(0, level{mean: 300, spread: 120, swing: 300, noise: 150}.draw(person, random, at)), 0, "steps", "{steps}")
	}},
}

// level describes how a value varies: between people, over the day, and by chance.
// Whole numbers throughout; decimals are a matter of writing.
type level struct{ mean, spread, swing, noise int }

func (l level) draw(person, random *rand.Rand, at time.Time) int {
	value := l.mean + person.IntN(2*l.spread+1) - l.spread + random.IntN(2*l.noise+1) - l.noise
	// A triangle over the day: lowest at 4 in the morning, highest at 4 in the afternoon.
	minutes := (at.Hour()*60 + at.Minute() - 4*60 + 24*60) % (24 * 60)
	const half = 12 * 60
	if minutes > half {
		minutes = 2*half - minutes
	}
	return value + l.swing*(2*minutes-half)/half
}

func quantity(value, decimals int, unit, code string) string {
	return `"valueQuantity":` + quantityValue(value, decimals, unit, code)
}

func quantityValue(value, decimals int, unit, code string) string {
	digits := fmt.Sprintf("%d", value)
	if decimals == 1 {
		digits = fmt.Sprintf("%d.%d", value/10, value%10)
	}
	return fmt.Sprintf(`{"value":%s,"unit":"%s","system":"http://unitsofmeasure.org","code":"%s"}`, digits, unit, code)
}

func bloodPressure(person, random *rand.Rand, at time.Time) string {
	component := func(loinc, display string, value int) string {
		return fmt.Sprintf(`{"code":{"coding":[{"system":"http://loinc.org","code":"%s","display":"%s"}]},"valueQuantity":%s}`,
			loinc, display, quantityValue(value, 0, "mm[Hg]", "mm[Hg]"))
	}
	systolic := level{mean: 122, spread: 14, swing: 7, noise: 6}.draw(person, random, at)
	diastolic := level{mean: 78, spread: 8, swing: 4, noise: 4}.draw(person, random, at)
	return `"component":[` + component("8480-6", "Systolic blood pressure", systolic) + "," +
		component("8462-4", "Diastolic blood pressure", diastolic) + "]"
}
