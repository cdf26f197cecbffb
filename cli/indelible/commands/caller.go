package commands

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// as runs an act as the credential of the settings. What is signed is kept before it
// is sent, and its receipt after, when --keep asks for it. Errors of the server come
// back as what a person needs.
func (a *app) as(act func(*client.Caller) error) error {
	c, err := a.caller()
	if err != nil {
		return err
	}
	defer c.Close()
	return say.Client(act(c), a.settings.Server, a.settings.Credentials)
}

// act is what a command does as somebody.
type act func(context.Context, *client.Caller) error

// speaks makes a command that speaks as somebody. read reads the command line: wrong
// words are told before anything is opened.
func (a *app) speaks(use, short, long string, args cobra.PositionalArgs, read func(*cobra.Command, []string) (act, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		do, err := read(cmd, args)
		if err != nil {
			return err
		}
		return a.as(func(c *client.Caller) error { return do(cmd.Context(), c) })
	}}
}

// asks makes a command that asks the server something.
func (a *app) asks(use, short string, args cobra.PositionalArgs, ask func(context.Context, *client.Caller, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		return a.as(func(c *client.Caller) error { return ask(cmd.Context(), c, args) })
	}}
}

func (a *app) caller() (*client.Caller, error) {
	c, err := a.credential()
	if err != nil {
		return nil, err
	}
	server, err := a.server("name it with --server https://host:port")
	if err != nil {
		return nil, err
	}
	cfg := client.Config{URL: server, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
	if a.settings.Keep != "" {
		cfg.Journal, cfg.Keep = kept(client.Folder{Dir: a.settings.Keep})
	}
	speaks, err := client.Open(c, cfg, rand.Reader)
	if err != nil {
		return nil, say.Local(err, "the connection cannot be prepared", "look at the credential in "+c.Dir)
	}
	return speaks, nil
}

// kept are the hooks that write to a folder, with what a person needs when they fail.
func kept(folder client.Folder) (journal func([]*client.Signed) error, keep func([]client.Outcome) error) {
	journal = func(list []*client.Signed) error {
		return say.LocalIf(folder.Journal(list), "the statement cannot be kept", "look at the folder; nothing was sent")
	}
	keep = func(outcomes []client.Outcome) error {
		return say.LocalIf(folder.Keep(outcomes), "the entry is in the log, but its receipt cannot be kept", "fetch it with indelible receipt")
	}
	return journal, keep
}

func (a *app) server(next string) (string, error) {
	if a.settings.Server == "" {
		return "", say.Usage(next, "no server is named")
	}
	return a.settings.Server, nil
}

// regime is the regime of a jurisdiction, which stands in the pinned genesis.
func regime(c *credential.Credential, jurisdiction string) (entry.Regime, error) {
	genesis, ok := c.Genesis.Body.(*entry.Genesis)
	if !ok {
		return 0, say.Usage("name a folder made by indelibled init", "the credential in %s has no genesis", c.Dir)
	}
	known := ""
	for _, rule := range genesis.Jurisdictions {
		if rule.Name == jurisdiction {
			return rule.Regime, nil
		}
		known += " " + rule.Name
	}
	return 0, say.Usage("the jurisdictions of this log are:"+known, "this log has no such jurisdiction")
}
