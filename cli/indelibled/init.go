package main

import (
	"crypto/rand"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// initFlags are the command line of init.
type initFlags struct {
	founding.Spec
	jurisdictions []string
}

func newInit(p *say.Printer) *cobra.Command {
	f := initFlags{Spec: founding.Spec{Now: time.Now, Rand: rand.Reader}}
	cmd := &cobra.Command{
		Use:   "init --dir DIR",
		Short: "Make a log: keys, certificates, genesis, policies, credentials, configuration",
		Long: `Make a log in an empty directory: the authority of its connections, the node's keys and
certificate, genesis with two registrars and two operators, the policies clients pin, and one
credential each for registrars, operators, officers, consent service, ingest service, clinician
and auditor. Nothing is started and nobody is contacted.

A jurisdiction is NAME=REGIME (gdpr, hipaa, dpdp), optionally with its grace before an erasure
and its retention floors: eu=gdpr,grace=72h,clinical=87600h,identity=0h,audit=26280h. They stand
in genesis and cannot be changed later.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(p) },
	}
	cmd.Flags().StringVar(&f.Dir, "dir", "", "directory to make it in")
	cmd.Flags().StringVar(&f.Origin, "origin", "", "the log's name, a URL without scheme that you control (random if not given)")
	cmd.Flags().StringVar(&f.Node, "name", "n1", "the node's name")
	cmd.Flags().StringVar(&f.Listen, "listen", "127.0.0.1:7443", "host:port the node listens on for clients")
	cmd.Flags().StringVar(&f.URL, "url", "", "the server's address to write into the credentials (default: from --listen, or --host where that is all addresses)")
	cmd.Flags().StringArrayVar(&f.Hosts, "host", nil, "name or address clients use for the node (repeat; loopback is always included)")
	cmd.Flags().StringArrayVar(&f.jurisdictions, "jurisdiction", []string{"eu=gdpr", "us=hipaa"}, "jurisdiction and regime (repeat)")
	return cmd
}

// complete reads the jurisdictions and checks everything.
func (f *initFlags) complete() error {
	for _, text := range f.jurisdictions {
		rule, err := founding.ParseRule(text)
		switch {
		case err != nil:
			return say.Usage("see indelibled init --help", "--jurisdiction: %v", err)
		case !entry.ValidJurisdiction(rule.Name):
			return say.Usage("a name has 2 to 16 of a-z, 0-9 and -, beginning with a letter, such as eu", "--jurisdiction: %q is no name", rule.Name)
		case slices.ContainsFunc(f.Jurisdictions, func(other entry.JurisdictionRule) bool { return other.Name == rule.Name }):
			return say.Usage("name each once", "--jurisdiction: %s is given twice", rule.Name)
		}
		f.Jurisdictions = append(f.Jurisdictions, rule)
	}
	if err := f.Validate(); err != nil {
		return say.Usage("see indelibled init --help", "%s", say.Reason(err))
	}
	return f.address()
}

// address finds what is written into the credentials as the server's address.
// Listening on all addresses names none: then clients use the first of --host, for
// which the certificate is made.
func (f *initFlags) address() error {
	if slices.Contains(f.Hosts, "") {
		return say.Usage("name a host or an address", "--host is empty")
	}
	host, port, err := net.SplitHostPort(f.Listen)
	if number, notOne := strconv.ParseUint(port, 10, 16); err != nil || notOne != nil || number == 0 && port != "0" {
		return say.Usage("give --listen HOST:PORT", "--listen %s has no port from 0 to 65535", f.Listen)
	}
	if f.URL != "" {
		if u, err := url.Parse(f.URL); err != nil || u.Scheme != "https" || u.Host == "" {
			return say.Usage("give --url https://HOST:PORT", "--url %s is not the address of a server", f.URL)
		}
		return nil
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return nil
	}
	if len(f.Hosts) == 0 {
		return say.Usage("name it with --host NAME, once for each name or address", "--listen %s says no name under which clients reach the node", f.Listen)
	}
	f.URL = "https://" + net.JoinHostPort(f.Hosts[0], port)
	return nil
}

func (f *initFlags) run(p *say.Printer) error {
	if err := f.complete(); err != nil {
		return err
	}
	lock, err := founding.LockDir(f.Dir)
	switch {
	case errors.Is(err, founding.ErrLocked):
		return say.Refused("IN_USE", "another process makes a log in "+f.Dir, "nothing was made or changed", "wait for it, or choose another directory")
	case err != nil:
		return say.Local(err, "the directory cannot be used", "give another with --dir")
	}
	return errors.Join(f.found(p), lock.Close())
}

func (f *initFlags) found(p *say.Printer) error {
	site, err := founding.Found(f.Spec)
	var refusal *entry.Refusal
	switch {
	case errors.Is(err, founding.ErrNotEmpty):
		return say.Refused("NOT_EMPTY", "the directory "+f.Dir+" already holds something", "nothing was made or changed",
			"choose an empty directory, or start what is there with indelibled serve --config "+founding.Site{Dir: f.Dir}.Config())
	case errors.As(err, &refusal):
		return say.Usage("see indelibled init --help", "genesis would not be valid: %s", refusal.Text)
	case err != nil:
		return say.Local(err, "the log could not be made", "correct that and run init again: it begins anew")
	}
	return printSite(p, site)
}

// jsonSite is what init made.
type jsonSite struct {
	Directory   string `json:"directory"`
	LogID       string `json:"log_id"`
	Config      string `json:"config"`
	Policy      string `json:"policy"`
	CA          string `json:"ca"`
	Credentials string `json:"credentials"`
}

func printSite(p *say.Printer, site founding.Site) error {
	id, err := site.LogID()
	if err != nil {
		return say.Local(err, "the new log cannot be read back", "look at the disk, then run init again elsewhere")
	}
	made := jsonSite{
		Directory: site.Dir, LogID: id.String(), Config: site.Config(),
		Policy: site.Policy(), CA: site.CA(), Credentials: site.Credentials(),
	}
	return p.Result(made, func(page *say.Page) {
		page.Row("log", made.LogID)
		page.Row("configuration", made.Config)
		page.Row("policy to pin", made.Policy)
		page.Row("authority", made.CA)
		page.Row("credentials", made.Credentials)
		page.Line(`
Next:
  start the node          indelibled serve --config %s
  then enrol the people   indelible author enrol --help, with --credentials %s
  hand out credentials    one folder each, over a safe way; they are private keys`, made.Config, site.Credential(founding.Registrar1))
	})
}
