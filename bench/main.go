package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		say("bench: %v", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	output string  // text or json
	dir    string  // where to work
	scale  float64 // factor on the readings of every workload
	fill   uint64  // entries to fill the log up to, before the restart is measured
}

func parse(args []string) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&set.output, "output", "text", "text or json")
	flags.StringVar(&set.dir, "dir", "", "empty directory to work in and to leave behind (default: a temporary one)")
	flags.Float64Var(&set.scale, "scale", 1, "factor on the number of readings")
	flags.Uint64Var(&set.fill, "fill", 0, "fill the log up to so many entries before measuring memory, restart and disk")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	switch {
	case set.output != "text" && set.output != "json":
		return set, errors.New("--output is text or json")
	case set.scale <= 0 || set.scale > 100:
		return set, errors.New("--scale is above 0 and at most 100")
	case set.fill > maxFill:
		return set, fmt.Errorf("--fill is at most %d", maxFill)
	}
	return set, nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	set, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if set.dir == "" {
		if set.dir, err = os.MkdirTemp("", "indelible-bench-"); err != nil {
			return fmt.Errorf("make a directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(set.dir)) }()
	}
	r, err := measure(ctx, set)
	if err != nil {
		return err
	}
	return r.print(out, set.output)
}
