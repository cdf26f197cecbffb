package ingest

import "errors"

// demand is what a configuration must fulfil, and what to say when it does not.
type demand struct {
	met   bool
	fault string
}

// check reports every demand that is not met, as faults of a part of this package.
func check(part string, demands ...demand) error {
	var faults []error
	for _, d := range demands {
		if !d.met {
			faults = append(faults, errors.New("ingest: "+part+": "+d.fault))
		}
	}
	return errors.Join(faults...)
}
