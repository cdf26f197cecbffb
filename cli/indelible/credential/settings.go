package credential

import (
	"errors"
	"fmt"
	"os"
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

// Remove removes a file and waits until that is on disk; an absent one is fine.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}
