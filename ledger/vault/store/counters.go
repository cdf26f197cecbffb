package store

// Counters are the next numbers of everything, and what the sweep has passed.
type Counters struct {
	Subjects   uint64 // next subject number
	Slots      uint64 // next slot number
	Leaves     uint64 // next leaf of the key tree
	Roots      uint64 // newest root version id ever taken; ids begin at 1
	Registered uint64 // how many registrations there were: what a registration is checked against
	Swept      uint64 // no record is given an older seal time, Unix milliseconds
}

// Counters reads them; all zero in an empty store.
func (v View) Counters() (Counters, error) { return valueOf[Counters](v, key(rowCounters)) }
