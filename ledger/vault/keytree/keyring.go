package keytree

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/ledger/vault/layout"
)

// A root file is the magic, the version, the key and a checksum of them.
const (
	keyringMagic  = "indelible root 1"
	keyringSum    = 8
	keyringSize   = len(keyringMagic) + 8 + KeySize + keyringSum
	keyringSuffix = ".root"
	keyringDraft  = ".draft"
)

var (
	errRootExists  = errors.New("vault: the root version exists")
	errRootMissing = errors.New("vault: the root version is not in the keyring")
	errRootFile    = errors.New("vault: a root file is damaged")
)

// Keyring is the file provider: a directory with one file per root version,
// mode 0600. Destroying overwrites, syncs and unlinks; on flash and on
// copy-on-write file systems that is a best effort, and the certificate says so.
type Keyring struct {
	fs     vfs.FS
	dir    string
	random io.Reader
}

// NewKeyring opens or creates the directory. What a crash left half written was
// never used, and is destroyed.
func NewKeyring(on vfs.FS, dir string, random io.Reader) (*Keyring, error) {
	if err := state.MakeDir(on, dir); err != nil {
		return nil, fmt.Errorf("vault: create keyring: %w", err)
	}
	k := &Keyring{fs: on, dir: dir, random: random}
	if err := k.closeDir(); err != nil {
		return nil, fmt.Errorf("vault: keep others out of the keyring: %w", err)
	}
	names, err := on.List(dir)
	if err != nil {
		return nil, fmt.Errorf("vault: list keyring: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, keyringDraft) {
			if err := k.destroyFile(on.PathJoin(dir, name)); err != nil {
				return nil, err
			}
		}
	}
	return k, nil
}

// closeDir takes the directory's permissions from everyone else: a file in it is
// open to others for an instant before it is closed to them.
func (k *Keyring) closeDir() error {
	d, err := k.fs.OpenDir(k.dir)
	if err != nil {
		return err
	}
	return errors.Join(permit(d, 0o700), d.Close())
}

func (k *Keyring) file(version uint64) string {
	return k.fs.PathJoin(k.dir, fmt.Sprintf("%016x%s", version, keyringSuffix))
}

// Create implements Provider. When it returns, the key is on disk: a command
// that uses it may be committed.
func (k *Keyring) Create(version uint64) error {
	if _, err := k.fs.Stat(k.file(version)); err == nil {
		return errRootExists
	}
	root, err := newKey(k.random)
	if err != nil {
		return err
	}
	content := encodeRoot(version, &root)
	root.wipe()
	draft := strings.TrimSuffix(k.file(version), keyringSuffix) + keyringDraft
	err = k.writeFile(draft, content)
	clear(content)
	if err == nil {
		err = k.fs.Rename(draft, k.file(version))
	}
	if err != nil {
		return fmt.Errorf("vault: write root version %d: %w", version, err)
	}
	return k.syncDir()
}

func (k *Keyring) writeFile(name string, content []byte) error {
	f, err := k.fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = permit(f, 0o600)
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (k *Keyring) syncDir() error {
	if err := state.SyncDir(k.fs, k.dir); err != nil {
		return fmt.Errorf("vault: sync keyring: %w", err)
	}
	return nil
}

func encodeRoot(version uint64, root *Key) []byte {
	b := make([]byte, 0, keyringSize)
	b = append(b, keyringMagic...)
	b = binary.BigEndian.AppendUint64(b, version)
	b = append(b, root[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:keyringSum]...)
}

func (k *Keyring) load(version uint64) (*Key, error) {
	f, err := k.fs.Open(k.file(version))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: version %d", errRootMissing, version)
	}
	if err != nil {
		return nil, fmt.Errorf("vault: open root version %d: %w", version, err)
	}
	content, err := io.ReadAll(io.LimitReader(f, int64(keyringSize)+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("vault: read root version %d: %w", version, err)
	}
	defer clear(content)
	if len(content) != keyringSize {
		return nil, fmt.Errorf("%w: version %d", errRootFile, version)
	}
	root := new(Key)
	copy(root[:], content[len(keyringMagic)+8:])
	want := encodeRoot(version, root)
	defer clear(want)
	if !bytes.Equal(content, want) {
		return nil, fmt.Errorf("%w: version %d", errRootFile, version)
	}
	return root, nil
}

// cipher is the cipher of a version.
func (k *Keyring) cipher(version uint64) (cipher.AEAD, error) {
	root, err := k.load(version)
	if err != nil {
		return nil, err
	}
	defer root.wipe()
	return root.aead()
}

// Wrap implements Provider.
func (k *Keyring) Wrap(version uint64, own *Key, associated []byte) ([]byte, error) {
	a, err := k.cipher(version)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, own[:], associated), nil
}

// Unwrap implements Provider.
func (k *Keyring) Unwrap(version uint64, wrapped, associated []byte) (*Key, error) {
	a, err := k.cipher(version)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, wrapped, associated)
	if err != nil {
		return nil, fmt.Errorf("vault: open what root version %d wrapped: %w", version, err)
	}
	defer clear(plain)
	if len(plain) != KeySize {
		return nil, layout.ErrMalformed
	}
	own := Key(plain)
	return &own, nil
}

// Destroy implements Provider.
func (k *Keyring) Destroy(version uint64) error {
	name := k.file(version)
	if _, err := k.fs.Stat(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return k.syncDir() // an unlink before a crash may not be durable yet
		}
		return fmt.Errorf("vault: look for root version %d: %w", version, err)
	}
	if err := k.destroyFile(name); err != nil {
		return fmt.Errorf("vault: destroy root version %d: %w", version, err)
	}
	return nil
}

// destroyFile overwrites in place, first with chance, then with zeros.
func (k *Keyring) destroyFile(name string) error {
	f, err := k.fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := errors.Join(k.overwrite(f), f.Close()); err != nil {
		return err
	}
	if err := k.fs.Remove(name); err != nil {
		return err
	}
	return k.syncDir()
}

func (k *Keyring) overwrite(f vfs.File) error {
	noise := make([]byte, keyringSize)
	if _, err := io.ReadFull(k.random, noise); err != nil {
		return err
	}
	for _, over := range [][]byte{noise, make([]byte, keyringSize)} {
		if _, err := f.WriteAt(over, 0); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// List implements Provider.
func (k *Keyring) List() ([]uint64, error) {
	names, err := k.fs.List(k.dir)
	if err != nil {
		return nil, fmt.Errorf("vault: list keyring: %w", err)
	}
	var versions []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(path.Base(name), keyringSuffix)
		if !ok {
			continue
		}
		version, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: its name is not a version", errRootFile)
		}
		versions = append(versions, version)
	}
	slices.Sort(versions)
	return versions, nil
}

// Claim implements Provider.
func (k *Keyring) Claim() (entry.Method, entry.Strength) {
	return entry.MethodOverwriteUnlink, entry.StrengthBestEffort
}
