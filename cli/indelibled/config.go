package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

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
func withConfig(p *say.Printer, run func(*cobra.Command, config.Config) error) func(*cobra.Command, []string) error {
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
			return say.Usage("correct the file, the environment or the flags", "the configuration in %s: %s", file, oneLine(err))
		}
		if show, err := cmd.Flags().GetBool("print-config"); err != nil || show {
			return errors.Join(err, printConfig(p, cfg))
		}
		return run(cmd, cfg)
	}
}

// oneLine joins what errors.Join put on several lines.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// printConfig shows the effective configuration. It holds paths and addresses
// only; what the paths lead to is not read.
func printConfig(p *say.Printer, c config.Config) error {
	return p.Result(c, func(w io.Writer) error {
		for _, setting := range c.Settings() {
			if _, err := fmt.Fprintf(w, "%s: %v\n", setting.Name, setting.Value); err != nil {
				return fmt.Errorf("print the configuration: %w", err)
			}
		}
		return nil
	})
}
