package config

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

// ErrNoFile says that there is no file where one was named.
var ErrNoFile = errors.New("there is no configuration file")

// Flags declares one flag for each setting. Their defaults are empty: a flag that
// is not given must not hide the file.
func Flags(flags *pflag.FlagSet) {
	for _, s := range new(Config).settings() {
		if _, isText := s.member.(*string); isText {
			flags.String(s.name, "", s.usage)
		} else {
			flags.Int64(s.name, 0, s.usage)
		}
	}
}

// Load reads a configuration file, then the environment, then the flags that
// were given, if any, and checks the result. Relative paths of all three are
// relative to the file's folder.
func Load(file string, flags *pflag.FlagSet) (c Config, err error) {
	v := viper.New()
	v.SetConfigFile(file)
	v.SetConfigType("yaml")
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	defaults := Defaults()
	for _, s := range defaults.settings() {
		v.SetDefault(s.name, s.value())
		if flags == nil {
			continue
		}
		if f := flags.Lookup(s.name); f != nil && f.Changed {
			v.Set(s.name, f.Value.String())
		}
	}
	if err = v.ReadInConfig(); errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%w at %s", ErrNoFile, file)
	}
	if err == nil {
		err = v.UnmarshalExact(&c)
	}
	if err == nil {
		c.resolve(filepath.Dir(file))
		err = c.Validate()
	}
	if err != nil {
		return c, fmt.Errorf("the configuration is not usable: %w", err)
	}
	return c, nil
}
