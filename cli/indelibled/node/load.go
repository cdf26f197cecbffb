package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// envPrefix begins the names of environment variables that override the file.
const envPrefix = "INDELIBLE"

// The reasons for which a configuration is not usable.
var (
	ErrNoFile  = errors.New("there is no configuration file")
	ErrSetting = errors.New("the configuration is not usable")
)

// Flags declares one flag for each member of Config. Their defaults are empty:
// a flag that is not given must not hide the file.
func Flags(flags *pflag.FlagSet) {
	flags.String("name", "", "the node's name in genesis")
	flags.String("dir", "", "folder of the node's state")
	flags.String("keys", "", "folder of the node's private keys")
	flags.String("genesis", "", "file with the statement at index 0")
	flags.String("policy", "", "policy file that counts Ed25519 cosignatures")
	flags.String("policy-pq", "", "policy file that counts ML-DSA-44 cosignatures")
	flags.String("certificate", "", "the node's certificate")
	flags.String("ca", "", "authority whose certificates callers must show")
	flags.String("listen", "", "host:port for clients")
	flags.String("public", "", "host:port that serves checkpoint and tiles to anyone; off while empty")
	flags.Int64("cache-bytes", 0, "block cache of the node, in bytes")
	flags.String("log-level", "", "debug, info, warn or error")
	flags.String("log-format", "", "text or json")
}

// Load reads a configuration file, then the environment, then the flags that
// were given, if any, and checks the result. Relative paths of all three are
// relative to the file's folder.
func Load(file string, flags *pflag.FlagSet) (Config, error) {
	v := viper.New()
	v.SetConfigFile(file)
	v.SetConfigType("yaml")
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	for _, setting := range Defaults().Settings() {
		v.SetDefault(setting.Name, setting.Value)
		if flags == nil {
			continue
		}
		if f := flags.Lookup(setting.Name); f != nil && f.Changed {
			v.Set(setting.Name, f.Value.String())
		}
	}
	if err := v.ReadInConfig(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Config{}, fmt.Errorf("%w at %s", ErrNoFile, file)
		}
		return Config{}, fmt.Errorf("%w: %w", ErrSetting, err)
	}
	var c Config
	if err := v.UnmarshalExact(&c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrSetting, err)
	}
	c.Resolve(filepath.Dir(file))
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrSetting, err)
	}
	return c, nil
}
