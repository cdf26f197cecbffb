package say

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// Execute runs a command tree with the manners both programs share: it adds
// --output, prints errors in the chosen format and returns the exit code. The
// printer is filled in before any command runs.
func Execute(ctx context.Context, root *cobra.Command, p *Printer, args []string) int {
	started := false
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.PersistentFlags().StringVar(&p.Format, "output", Text, "text for people, json for programs")
	inner := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, rest []string) error {
		if err := p.Validate(); err != nil {
			p.Format = Text
			return err
		}
		if inner == nil {
			return nil
		}
		return inner(cmd, rest)
	}
	onRun(root, func() { started = true })
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	var problem *Problem
	if !started && !errors.As(err, &problem) {
		err = Usage("see "+cmd.CommandPath()+" --help", "%s", err.Error())
	}
	return p.Fail(err)
}

// onRun calls note before any command of the tree runs: what fails earlier is a
// fault of the command line. Words a command does not take are answered with
// how it is used, not with how many it counted.
func onRun(cmd *cobra.Command, note func()) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) == nil {
				return nil
			}
			return Usage("see "+c.CommandPath()+" --help", "%s is used like this: %s", c.CommandPath(), c.UseLine())
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(c *cobra.Command, args []string) error {
			note()
			return run(c, args)
		}
	}
	for _, sub := range cmd.Commands() {
		onRun(sub, note)
	}
}

// NewPrinter prints to the given writers, in text until Execute has read the
// flags.
func NewPrinter(out, remarks io.Writer) *Printer {
	return &Printer{Out: out, Err: remarks, Format: Text}
}

// Group makes a command that only holds others: called by itself it is a
// usage error that names them, not a silent success.
func Group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Usage("see "+cmd.CommandPath()+" --help", "there is no command %q in %s", args[0], cmd.CommandPath())
			}
			return Usage("see "+cmd.CommandPath()+" --help", "a command is missing after %s", cmd.CommandPath())
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(subs...)
	return cmd
}
