package founding

import (
	"fmt"
	"strings"
	"time"

	"indelible/ledger/entry"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// terms are the grace before an erasure is executed and the retention floors
// of a regime.
type terms struct{ grace, clinical, identity, audit time.Duration }

// regimeTerms are the shipped defaults. They are starting points to be checked
// by those who answer for the records: retention of clinical records is mostly
// local law. Identity floors are 0 so that a person can always be separated
// from a record that has to stay.
//
//   - gdpr: clinical 10 years as in § 630f (3) BGB, the longest general rule
//     among the larger member states; audit 3 years, § 195 BGB.
//   - hipaa: 6 years for documentation, 45 CFR 164.316(b)(2)(i); clinical
//     retention is state law, 6 years covers most adults' records.
//   - dpdp: clinical 3 years, Indian Medical Council Regulations 2002, 1.3.1;
//     audit 1 year, Digital Personal Data Protection Rules 2025.
var regimeTerms = map[entry.Regime]terms{
	entry.RegimeGDPR:  {grace: 3 * day, clinical: 10 * year, audit: 3 * year},
	entry.RegimeHIPAA: {grace: 3 * day, clinical: 6 * year, audit: 6 * year},
	entry.RegimeDPDP:  {grace: 3 * day, clinical: 3 * year, audit: year},
}

// Rule is a jurisdiction under its regime's default grace and floors.
func Rule(name string, regime entry.Regime) entry.JurisdictionRule {
	t := regimeTerms[regime]
	return entry.JurisdictionRule{
		Name: name, Regime: regime,
		Grace: millis(t.grace), FloorClinical: millis(t.clinical), FloorIdentity: millis(t.identity), FloorAudit: millis(t.audit),
	}
}

// ParseRule reads NAME=REGIME, optionally followed by ",grace=D", ",clinical=D",
// ",identity=D" and ",audit=D", where D is a Go duration such as 72h.
func ParseRule(text string) (entry.JurisdictionRule, error) {
	fields := strings.Split(text, ",")
	name, regimeName, ok := strings.Cut(fields[0], "=")
	if !ok {
		return entry.JurisdictionRule{}, fmt.Errorf("%q is not NAME=REGIME", text)
	}
	regime, err := entry.ParseRegime(regimeName)
	if err != nil {
		return entry.JurisdictionRule{}, fmt.Errorf("%q is not a regime: gdpr, hipaa and dpdp are", regimeName)
	}
	rule := Rule(name, regime)
	for _, field := range fields[1:] {
		if err := setTerm(&rule, field); err != nil {
			return entry.JurisdictionRule{}, err
		}
	}
	return rule, nil
}

func setTerm(rule *entry.JurisdictionRule, field string) error {
	name, value, _ := strings.Cut(field, "=")
	terms := map[string]*uint64{
		"grace": &rule.Grace, "clinical": &rule.FloorClinical, "identity": &rule.FloorIdentity, "audit": &rule.FloorAudit,
	}
	term, ok := terms[name]
	if !ok {
		return fmt.Errorf("%q is none of grace, clinical, identity, audit", name)
	}
	length, err := time.ParseDuration(value)
	if err != nil || length < 0 {
		return fmt.Errorf("%s=%q is not a duration such as 72h", name, value)
	}
	*term = millis(length)
	return nil
}

func millis(d time.Duration) uint64 { return uint64(d / time.Millisecond) }
