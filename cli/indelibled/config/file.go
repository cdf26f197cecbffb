package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
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

// Marshal writes a configuration as a file, with the consequence of each line.
func (c Config) Marshal() []byte {
	text := "# Configuration of an Indelible node. Every line can be overridden by\n" +
		"# INDELIBLE_<NAME> in the environment and by --<name> on the command line.\n"
	for _, s := range settings {
		value := fmt.Sprint(s.value(&c))
		if _, ok := s.of(&c).(*string); ok {
			value = strconv.Quote(value) // double-quoted YAML takes these escapes
		}
		text += "\n# " + strings.ReplaceAll(s.about, "\n", "\n# ") + "\n" + s.name + ": " + value + "\n"
	}
	return []byte(text)
}

// Flags declares one flag for each setting. Their defaults are empty: a flag that
// is not given must not hide the file.
func Flags(flags *pflag.FlagSet) {
	for _, s := range settings {
		if _, ok := s.of(new(Config)).(*int64); ok {
			flags.Int64(s.name, 0, s.usage)
		} else {
			flags.String(s.name, "", s.usage)
		}
	}
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
	for _, s := range Defaults().Settings() {
		v.SetDefault(s.Name, s.Value)
		if flags == nil {
			continue
		}
		if f := flags.Lookup(s.Name); f != nil && f.Changed {
			v.Set(s.Name, f.Value.String())
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
	for _, s := range settings {
		if path := s.text(&c); s.path && *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(file), *path)
		}
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrSetting, err)
	}
	return c, nil
}
