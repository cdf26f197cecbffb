package credential

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// Settings are the lines of a credential's settings file.
type Settings struct {
	Name   string // what the credential is called, for people
	Server string // https://host:port
}

// Marshal writes the file. Double-quoted YAML takes JSON's escapes.
func (s Settings) Marshal() []byte {
	return []byte(fmt.Sprintf("# Settings of this credential; every one can be overridden by a flag.\nname: %s\nserver: %s\n",
		strconv.Quote(s.Name), strconv.Quote(s.Server)))
}

// WriteSettings replaces the settings file of a credential directory.
func WriteSettings(dir string, s Settings) error {
	return WritePublic(filepath.Join(dir, SettingsFile), s.Marshal())
}
