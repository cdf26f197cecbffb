package edge

import (
	"errors"
	"fmt"
)

// Limits bound what callers may have under way at once. Zero means the default,
// which stands in parentheses.
type Limits struct {
	Calls          int // calls and streams of all callers, ordinary lane (1,024)
	CallerCalls    int // of one caller (128)
	ReservedCalls  int // reads, lookups, and what officers do, of all callers, beside Calls (256)
	Bytes          int // request bytes held for all callers (256 MiB)
	CallerBytes    int // of one caller (96 MiB)
	RequestBytes   int // one request, or one message of a stream (16 MiB: a full batch of ordinary readings, or a few of the largest openings)
	StreamBatches  int // batches of one stream under way (8)
	Connections    int // open connections (4,096)
	AddressConns   int // of one address (1,024)
	ConnectionRPCs int // calls at once on one connection (256)
}

// limit is a member of Limits.
type limit struct {
	name      string
	value     *int
	otherwise int // the default
}

func (l *Limits) table() []limit {
	return []limit{
		{"Calls", &l.Calls, 1024},
		{"CallerCalls", &l.CallerCalls, 128},
		{"ReservedCalls", &l.ReservedCalls, 256},
		{"Bytes", &l.Bytes, 256 << 20},
		{"CallerBytes", &l.CallerBytes, 96 << 20},
		{"RequestBytes", &l.RequestBytes, 16 << 20},
		{"StreamBatches", &l.StreamBatches, 8},
		{"Connections", &l.Connections, 4096},
		{"AddressConns", &l.AddressConns, 1024},
		{"ConnectionRPCs", &l.ConnectionRPCs, 256},
	}
}

// WithDefaults fills in what is not set.
func (l Limits) WithDefaults() Limits {
	for _, member := range l.table() {
		if *member.value == 0 {
			*member.value = member.otherwise
		}
	}
	return l
}

// Validate reports every fault at once.
func (l Limits) Validate() error {
	var faults []error
	for _, member := range l.table() {
		if *member.value < 0 {
			faults = append(faults, fmt.Errorf("edge: Limits.%s is negative", member.name))
		}
	}
	return errors.Join(faults...)
}
