package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/node"
	"indelible/cli/say"
)

func newServe(p *say.Printer) *cobra.Command {
	return configured(p, "serve [--config FILE]", "Run the node until it is stopped",
		`Run the node of a directory made by init. It stops on SIGINT or SIGTERM after finishing the calls
under way, and by itself, with the reason, when it can no longer trust its disk or its state.`, serve)
}

// jsonServing is printed once the node answers.
type jsonServing struct {
	Node   string `json:"node"`
	LogID  string `json:"log_id"`
	URL    string `json:"url"`
	Public string `json:"public,omitempty"`
}

func serve(ctx context.Context, p *say.Printer, cfg config.Config) error {
	n, err := node.Open(ctx, cfg, say.Version(), p.Err)
	if err != nil {
		return openProblem(err, cfg)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var announced, ran error
	select {
	case <-n.Ready():
		announced = announce(p, n, cfg)
		ran = <-ended
	case ran = <-ended:
	}
	if err := errors.Join(announced, node.Stopped(n, ran)); err != nil {
		return err
	}
	p.Remark("the node has stopped")
	return nil
}

// openProblem explains why a node did not start.
func openProblem(err error, cfg config.Config) error {
	if errors.Is(err, node.ErrInUse) {
		return say.Refused("IN_USE", "another process works on "+cfg.Dir, "the node was not started",
			"stop the other process, or start a node on another folder")
	}
	problem := say.Local(err, "the node could not be opened", "correct that; nothing was changed. indelibled fsck checks what is on disk")
	problem.NotDone = "the node was not started"
	return problem
}

func announce(p *say.Printer, n *node.Node, cfg config.Config) error {
	serving := jsonServing{Node: cfg.Name, LogID: n.LogID().String(), URL: "https://" + n.Address().String()}
	if public := n.Public(); public != nil {
		serving.Public = "https://" + public.String()
	}
	return p.Result(serving, func(page *say.Page) {
		page.Line("node %s of log %s answers at %s", serving.Node, serving.LogID, serving.URL)
		if serving.Public != "" {
			page.Line("checkpoint and tiles for anyone at %s", serving.Public)
		}
	})
}
