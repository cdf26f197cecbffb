package main

import (
	"github.com/spf13/cobra"

	"indelible/cli/indelibled/quickstart"
	"indelible/cli/say"
)

func newQuickstart(p *say.Printer) *cobra.Command {
	o := quickstart.Options{Version: say.Version(), Printer: p}
	cmd := &cobra.Command{
		Use:   "quickstart [--dir DIR] [--data FILE.ndjson] [--once]",
		Short: "Show everything: a node, devices, readings, proofs, a read, tampering, an erasure",
		Long: `Make a log in a directory, run its node, enrol people and devices, ingest readings, verify every
receipt offline, read one record back, replay and tamper, erase one person, and verify everything
again. Then serve on until Ctrl-C.

Without --data the patients are generated. With it they are those of FHIR R4 Observations, one a
line: a device per patient, jurisdictions alternating between eu and us.

Run again on the same directory it goes on where it was, also after a crash.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return quickstart.Run(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "indelible-quickstart", "directory to make, or to go on in")
	cmd.Flags().StringVar(&o.Data, "data", "", "FHIR R4 Observations, one a line")
	cmd.Flags().BoolVar(&o.Once, "once", false, "end when everything is shown")
	return cmd
}
