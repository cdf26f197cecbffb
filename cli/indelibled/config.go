package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"indelible/cli/indelibled/config"
	"indelible/cli/say"
)

// configured makes a command that has a configuration, or prints that.
func configured(p *say.Printer, use, short, long string, run func(context.Context, *say.Printer, config.Config) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.NoArgs}
	cmd.Flags().String("config", "config.yaml", "configuration file, as written by init")
	cmd.Flags().Bool("print-config", false, "print the effective configuration and stop")
	config.Flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
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
			return errors.Join(err, p.Result(cfg, func(page *say.Page) { page.Line("%s", strings.TrimSuffix(cfg.String(), "\n")) }))
		}
		return run(cmd.Context(), p, cfg)
	}
	return cmd
}
