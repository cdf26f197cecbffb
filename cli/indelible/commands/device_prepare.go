package commands

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

func newDevicePrepare(a *app) *cobra.Command {
	var dir, handle, cert, key string
	cmd := &cobra.Command{
		Use:   "prepare --device DIR --subject HANDLE --ca CERT --ca-key KEY",
		Short: "Make the keys and certificates of a device that has none of its maker's",
		Long: `Make a device in a folder: an identity certified by the given authority (init makes one in
ca/device-ca.pem and ca/device-ca-key.pem), a fresh key for readings of one subject, and the
identity's certification of that key. The identity's own key is used once and not kept.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			h, err := parseHandle(handle)
			if err != nil {
				return err
			}
			if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
				return say.Usage("give a new folder with --device", "the folder %s is not empty", dir)
			}
			ca, err := ingest.ReadDeviceCA(cert, key)
			if err != nil {
				return say.Usage("name the authority init made in ca/, or another one", "the authority for devices cannot be read: %v", err)
			}
			author, err := prepareDevice(dir, h, ca)
			if err != nil {
				return say.Local(err, "the device could not be made", "correct that and give a new folder")
			}
			return a.Result(map[string]string{"device": dir, "author": author.String()}, func(p *say.Page) {
				p.Row("device", dir)
				p.Row("author", author)
			})
		},
	}
	cmd.Flags().StringVar(&dir, "device", "", "folder to make")
	cmd.Flags().StringVar(&handle, "subject", "", "handle of the subject it will measure")
	cmd.Flags().StringVar(&cert, "ca", "", "certificate of the authority for devices")
	cmd.Flags().StringVar(&key, "ca-key", "", "its private key")
	return required(cmd, "device", "subject", "ca", "ca-key")
}

func prepareDevice(dir string, h entry.Handle, ca *ingest.DeviceCA) (entry.AuthorID, error) {
	identity, err := ca.Identity(rand.Reader, time.Now)("")
	if err != nil {
		return entry.AuthorID{}, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return entry.AuthorID{}, fmt.Errorf("make the signing key: %w", err)
	}
	pub, err := entry.NewPublicKey(key.Public())
	if err != nil {
		return entry.AuthorID{}, err
	}
	certification, err := entry.SignCertification(rand.Reader, identity.Key, pub.SPKI(), h)
	if err != nil {
		return entry.AuthorID{}, fmt.Errorf("certify the signing key: %w", err)
	}
	return pub.Author(), errors.Join(
		credential.WriteKey(filepath.Join(dir, deviceKeyFile), key),
		credential.WriteCertificates(filepath.Join(dir, deviceChainFile), identity.Chain...),
		credential.WriteSecret(filepath.Join(dir, deviceCertFile), certification),
	)
}
