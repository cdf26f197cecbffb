package commands

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"indelible/api/client/credential"
	"indelible/cli/indelible/session"
	"indelible/cli/say"
)

// envPrefix begins the names of environment variables that override the file.
const envPrefix = "INDELIBLE"

// Settings are everything this program is told besides a command's own flags.
// The names in the tags are those of the settings file in a credential folder;
// INDELIBLE_<NAME> in the environment and --<name> on the command line override
// it, in that order.
type Settings struct {
	// Name is what the credential is called, for people.
	Name string `mapstructure:"name" json:"name"`
	// Credentials is the folder of the credential to speak as. It cannot stand
	// in the file, which lies in it.
	Credentials string `mapstructure:"credentials" json:"credentials"`
	// Server is the node to speak to, https://host:port.
	Server string `mapstructure:"server" json:"server"`
	// Keep is a folder in which what is signed is kept before it is sent, and
	// its receipt after. Empty: nothing is kept.
	Keep string `mapstructure:"keep" json:"keep"`
}

// Validate reports every fault at once.
func (s *Settings) Validate() error {
	var faults []error
	if s.Server != "" {
		if u, err := url.Parse(s.Server); err != nil || u.Scheme != "https" || u.Host == "" {
			faults = append(faults, errors.New("server is not of the form https://host:port"))
		}
	}
	return errors.Join(faults...)
}

// app is one run of the program.
type app struct {
	*say.Printer
	settings Settings
}

func (a *app) settingFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.String("credentials", "", "folder of the credential to speak as (INDELIBLE_CREDENTIALS)")
	flags.String("server", "", "node to speak to, https://host:port (default: the one the credential names)")
	flags.String("keep", "", "folder to keep what is signed and its receipts in")
	flags.Bool("print-config", false, "print the effective settings and stop")
}

// load reads the settings file of the credential, then the environment, then
// the flags that were given.
func (a *app) load(cmd *cobra.Command) error {
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	for _, name := range []string{"name", "credentials", "server", "keep"} {
		v.SetDefault(name, "")
		if err := v.BindEnv(name); err != nil {
			return fmt.Errorf("read the environment: %w", err)
		}
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed && name != "name" {
			v.Set(name, f.Value.String())
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
		return say.Usage("correct the settings", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
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
		return a.Result(a.settings, func(w io.Writer) error {
			return say.Pairs(w, [2]string{"name", a.settings.Name}, [2]string{"credentials", a.settings.Credentials},
				[2]string{"server", a.settings.Server}, [2]string{"keep", a.settings.Keep})
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

// open begins a session as the credential.
func (a *app) open() (*session.Session, error) {
	c, err := a.credential()
	if err != nil {
		return nil, err
	}
	if a.settings.Server == "" {
		return nil, say.Usage("name it with --server https://host:port", "no server is named")
	}
	return session.Open(c, a.settings.Server)
}

// with runs an act in a session.
func (a *app) with(act func(*session.Session) error) error {
	s, err := a.open()
	if err != nil {
		return err
	}
	defer s.Close()
	return act(s)
}
