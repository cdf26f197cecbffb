package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// row is what one workload came to.
type row struct {
	workload
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"appends_per_second"`
	P50       float64 `json:"p50_ms"` // of a call
	P99       float64 `json:"p99_ms"`
}

func newRow(w workload, work []*call, took time.Duration) *row {
	latencies := make([]time.Duration, len(work))
	for i, c := range work {
		latencies[i] = c.took
	}
	slices.Sort(latencies)
	return &row{
		workload: w, Seconds: took.Seconds(), PerSecond: float64(w.Readings) / took.Seconds(),
		P50: quantile(latencies, 0.50), P99: quantile(latencies, 0.99),
	}
}

// quantile is the nearest-rank quantile of sorted latencies, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[i].Microseconds()) / 1000
}

// report is what a run prints.
type report struct {
	CPUs           int     `json:"cpus"`
	Go             string  `json:"go"`
	Rows           []row   `json:"workloads"`
	Entries        uint64  `json:"entries"`              // in the log at the end
	DiskPerEntry   float64 `json:"disk_bytes_per_entry"` // everything the node keeps, after a clean stop
	PeakMemory     uint64  `json:"peak_memory_bytes"`    // resident, under the load
	Memory         uint64  `json:"restart_memory_bytes"` // resident, after the restart
	RestartSeconds float64 `json:"restart_seconds"`      // from starting the process to ready
}

func (r *report) print(to io.Writer, format string) error {
	text := r.text()
	if format == "json" {
		text.Reset()
		e := json.NewEncoder(text)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
	}
	if _, err := text.WriteTo(to); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

func (r *report) text() *bytes.Buffer {
	text := &bytes.Buffer{} // takes everything
	table := []byte("batch\tclients\treadings\tappends/s\tp50 ms\tp99 ms\t\n")
	for _, w := range r.Rows {
		table = fmt.Appendf(table, "%d\t%d\t%d\t%.0f\t%.2f\t%.2f\t\n", w.Batch, w.Clients, w.Readings, w.PerSecond, w.P50, w.P99)
	}
	t := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = t.Write(table)
	_ = t.Flush()
	const mib = 1 << 20
	fmt.Fprintf(text, "\nentries in the log      %d, every receipt verified, fsck sound\n"+
		"disk per entry          %.0f bytes: leaf, sealed record, tiles, indexes, Raft log\n"+
		"resident memory         %d MiB at most under load, %d MiB after the restart\n"+
		"restart                 %.2f s to ready\n"+
		"machine                 %d CPUs shared by node and client, %s\n",
		r.Entries, r.DiskPerEntry, r.PeakMemory/mib, r.Memory/mib, r.RestartSeconds, r.CPUs, r.Go)
	return text
}
