//go:build !race

package fhir

const scale = 1
