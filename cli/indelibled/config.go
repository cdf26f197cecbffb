package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"indelible/cli/indelibled/config"
	"indelible/cli/say"
)

// configFlags declares the flags by which a command is configured.
func configFlags(cmd *cobra.Command) {
	cmd.Flags().String("config", "config.yaml", "configuration file, as written by init")
	cmd.Flags().Bool("print-config", false, "print the effective configuration and stop")
	config.Flags(cmd.Flags())
}

// withConfig runs a command with its configuration, or prints that.
func withConfig(p *say.Printer, run func(context.Context, *say.Printer, config.Config) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		file, err := cmd.Flags().GetString("config")
		if err != nil {
			return fmt.Errorf("read --config: %w", err)
		}
		cfg, err := config.Load(file, cmd.Flags())
		switch {
		case errors.Is(err, config.ErrNoFile):
			return say.Usage("make one with indelibled init --dir DIR, then name it with --config DIR/config.yaml", "%v", err)
		case err != nil:
			return say.Usage("correct the file, the environment or the flags", "the configuration in %s: %s", file, say.Reason(err))
		}
		if show, err := cmd.Flags().GetBool("print-config"); err != nil || show {
			return errors.Join(err, p.Result(cfg, func(w io.Writer) error {
				_, err := io.WriteString(w, cfg.String())
				return err
			}))
		}
		return run(cmd.Context(), p, cfg)
	}
}
