package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"indelible/cli/say"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without the process around it.
func run(ctx context.Context, args []string, out, remarks io.Writer) int {
	p := say.NewPrinter(out, remarks)
	root := say.Group("indelibled", "The node of an append-only, erasable ledger for health data",
		newInit(p), newServe(p), newFsck(p), newQuickstart(p))
	root.Version = say.Version()
	root.Long = "indelibled makes and runs the node of an Indelible log. Begin with: indelibled quickstart"
	return say.Execute(ctx, root, p, args)
}
