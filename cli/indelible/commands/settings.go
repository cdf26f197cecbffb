package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"indelible/api/client/credential"
	"indelible/cli/say"
)

// envPrefix begins the names of environment variables that override the file.
const envPrefix = "INDELIBLE"

// Settings are everything this program is told besides a command's own flags.
// settingTable names and explains each: in the settings file of a credential folder
// by its name, in the environment as INDELIBLE_<NAME>, and as --<name>, which
// override each other in this order.
type Settings struct {
	Name        string `mapstructure:"name" json:"name"`
	Credentials string `mapstructure:"credentials" json:"credentials"`
	Server      string `mapstructure:"server" json:"server"`
	Keep        string `mapstructure:"keep" json:"keep"`
}

// setting is one of Settings.
type setting struct {
	name  string
	usage string // of its flag; empty: it has none
	of    func(*Settings) *string
}

var settingTable = []setting{
	{"name", "", func(s *Settings) *string { return &s.Name }}, // what the credential is called, for people
	// It cannot stand in the file, which lies in it.
	{"credentials", "folder of the credential to speak as (INDELIBLE_CREDENTIALS)", func(s *Settings) *string { return &s.Credentials }},
	{"server", "node to speak to, https://host:port (default: the one the credential names)", func(s *Settings) *string { return &s.Server }},
	{"keep", "folder to keep what is signed and its receipts in", func(s *Settings) *string { return &s.Keep }},
}

// Validate reports a fault of them.
func (s *Settings) Validate() error {
	if s.Server == "" {
		return nil
	}
	if u, err := url.Parse(s.Server); err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("server is not of the form https://host:port")
	}
	return nil
}

// app is one run of the program.
type app struct {
	*say.Printer
	settings Settings
}

func (a *app) settingFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	for _, one := range settingTable {
		if one.usage != "" {
			flags.String(one.name, "", one.usage)
		}
	}
	flags.Bool("print-config", false, "print the effective settings and stop")
}

// load reads the settings file of the credential, then the environment, then
// the flags that were given.
func (a *app) load(cmd *cobra.Command) error {
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	for _, one := range settingTable {
		v.SetDefault(one.name, "")
		if err := v.BindEnv(one.name); err != nil {
			return fmt.Errorf("read the environment: %w", err)
		}
		if f := cmd.Flags().Lookup(one.name); f != nil && f.Changed && one.usage != "" {
			v.Set(one.name, f.Value.String())
		}
	}
	if dir := v.GetString("credentials"); dir != "" {
		v.SetConfigFile(filepath.Join(dir, credential.SettingsFile))
		if err := v.ReadInConfig(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return say.Usage("correct the file", "the settings in %s cannot be read: %v", dir, err)
		}
	}
	if err := v.UnmarshalExact(&a.settings); err != nil {
		return say.Usage("correct the settings file", "the settings have something this program does not know: %v", err)
	}
	if err := a.settings.Validate(); err != nil {
		return say.Usage("correct the settings", "%v", err)
	}
	return a.printed(cmd)
}

// printed shows the settings instead of running the command, when asked to.
func (a *app) printed(cmd *cobra.Command) error {
	show, err := cmd.Flags().GetBool("print-config")
	if err != nil || !show {
		return err
	}
	cmd.DisableFlagParsing = true // flags are parsed; without this the command's own would be demanded
	cmd.RunE = func(*cobra.Command, []string) error {
		return a.Result(a.settings, func(p *say.Page) {
			for _, one := range settingTable {
				p.Row(one.name, *one.of(&a.settings))
			}
		})
	}
	return nil
}

// credential reads the credential to speak as.
func (a *app) credential() (*credential.Credential, error) {
	if a.settings.Credentials == "" {
		return nil, say.Usage("name the folder of one with --credentials, as made by indelibled init", "this command needs a credential")
	}
	return loadCredential(a.settings.Credentials)
}

func loadCredential(dir string) (*credential.Credential, error) {
	c, err := credential.Load(dir)
	if err != nil {
		return nil, say.Usage("name a folder made by indelibled init, or restore what is missing in it", "the folder %s is no credential: %v", dir, err)
	}
	return c, nil
}
