//go:build !race

package ingest

const scale = 1
