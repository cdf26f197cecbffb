//go:build race

package fhir

// scale divides how often random tests run: the race detector makes them ten
// times slower and finds nothing in repetitions.
const scale = 10
