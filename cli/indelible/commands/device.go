package commands

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newDevice(a *app) *cobra.Command {
	return say.Group("device", "Enrol device keys and bind them to subjects, as a registrar",
		newDevicePrepare(a), newDeviceEnrol(a), newDeviceBind(a), newDeviceUnbind(a), newDeviceSign(a),
		newDeviceState(a, "suspend", "Suspend a device key: its statements are refused until it is resumed", entry.AuthorSuspend),
		newDeviceState(a, "resume", "Resume a suspended device key", entry.AuthorResume),
		newDeviceState(a, "revoke", "Revoke a device key for good", entry.AuthorRevoke),
		newDeviceList(a))
}

// The files of a device folder, as device prepare makes it.
const (
	deviceKeyFile   = "key.pem"            // signs readings
	deviceChainFile = "chain.pem"          // certificate of the identity key
	deviceCertFile  = "certification.cose" // by the identity key, of the signing key
	deviceStateFile = "state.json"         // boot, sequence number and newest statement
)

// enrolFlags are the command line of device enrol.
type enrolFlags struct {
	handle, jurisdiction, dir, key string
	linkable                       bool
}

func newDeviceEnrol(a *app) *cobra.Command {
	var f enrolFlags
	cmd := a.writes("enrol --device DIR --subject HANDLE --jurisdiction J", "Enrol a device's key", "", cobra.NoArgs,
		func([]string) (*written, error) { return f.written() })
	cmd.Long = `Enrol the key with which a device will sign readings of one subject. The folder holds chain.pem
(the certificate of the device's own identity, of an authority activated with indelible ca) and
certification.cose (by that identity, of the signing key), as indelible device prepare makes them.
The signing key is key.pem of the folder, or the public key in --key.

A device that has one fixed key is enrolled with --linkable: its entries can be joined for the life
of the key, and certificates say so. The subject is then a handle of the device's own.`
	cmd.Flags().StringVar(&f.dir, "device", "", "folder of the device")
	cmd.Flags().StringVar(&f.key, "key", "", "public key of the device, PEM (default: of key.pem in the folder)")
	cmd.Flags().StringVar(&f.handle, "subject", "", "handle of the subject it will measure")
	cmd.Flags().BoolVar(&f.linkable, "linkable", false, "the device has one fixed key")
	return required(inJurisdiction(cmd, &f.jurisdiction, "of the handle"), "device", "subject")
}

func (f enrolFlags) written() (*written, error) {
	h, err := parseHandle(f.handle)
	if err != nil {
		return nil, err
	}
	key, identity, err := f.read()
	if err != nil {
		return nil, say.Usage("make the folder with indelible device prepare, or put the device's files there", "the device cannot be read: %v", err)
	}
	content, err := identity.EncodeContent()
	if err != nil {
		return nil, say.Local(err, "the device's certificates cannot be enclosed", "check the files")
	}
	author := key.Author().String()
	return &written{
		draft: entry.Draft{
			Kind: entry.KindAuthor, Sub: entry.SubOfHandle(h), Jurisdiction: f.jurisdiction,
			Body: &entry.AuthorChange{
				Action: entry.AuthorEnrol, Key: key.SPKI(), Role: entry.RoleDevice,
				Jurisdictions: []string{f.jurisdiction}, Linkable: f.linkable,
			},
		},
		sealed: sealedCBOR(entry.ClassIdentity, content),
		note: "The device is known as author " + author +
			".\nBind it: indelible device bind " + author + " --subject " + h.String() + " --jurisdiction " + f.jurisdiction,
	}, nil
}

// read reads key, chain and certification of a device. A linkable one has no
// certification: its identity key signs.
func (f enrolFlags) read() (*entry.PublicKey, *entry.AuthorIdentity, error) {
	identity := &entry.AuthorIdentity{}
	chain, err := credential.ReadCertificates(filepath.Join(f.dir, deviceChainFile))
	if err != nil {
		return nil, nil, err
	}
	for _, cert := range chain {
		identity.Chain = append(identity.Chain, cert.Raw)
	}
	if !f.linkable {
		if identity.Certification, err = os.ReadFile(filepath.Join(f.dir, deviceCertFile)); err != nil {
			return nil, nil, err
		}
	}
	spki := chain[0].RawSubjectPublicKeyInfo
	switch {
	case f.key != "":
		spki, err = credential.ReadPublicKey(f.key)
	case !f.linkable:
		spki, err = publicOf(filepath.Join(f.dir, deviceKeyFile))
	}
	if err != nil {
		return nil, nil, err
	}
	key, err := entry.ParsePublicKey(spki)
	return key, identity, err
}

func publicOf(path string) ([]byte, error) {
	key, err := credential.ReadKey(path)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(key.Public())
}

func newDeviceBind(a *app) *cobra.Command {
	var handle, jurisdiction string
	cmd := a.writes("bind AUTHOR --subject HANDLE --jurisdiction J", "Let a device write about a subject", "", cobra.ExactArgs(1),
		func(args []string) (*written, error) {
			change := &entry.BindingChange{Action: entry.ActionOpen}
			var err error
			if change.Author, err = parseAuthorID(args[0]); err != nil {
				return nil, err
			}
			change.Handle, err = parseHandle(handle)
			return &written{
				draft: entry.Draft{Kind: entry.KindBinding, Jurisdiction: jurisdiction, Body: change},
				complete: func(_ context.Context, c *client.Caller, w *written) error {
					if err := c.Draw(change.Binding[:]); err != nil {
						return say.Local(err, "no randomness for a binding", "try again")
					}
					change.From = c.Now()
					w.also.Binding = change.Binding.String()
					w.note = "The device signs readings under binding " + w.also.Binding + "."
					return nil
				},
			}, err
		})
	cmd.Flags().StringVar(&handle, "subject", "", "handle of the subject")
	return required(inJurisdiction(cmd, &jurisdiction, "of the handle"), "subject")
}

func newDeviceUnbind(a *app) *cobra.Command {
	var jurisdiction string
	cmd := a.writes("unbind BINDING --jurisdiction J", "End a binding now: later readings under it are refused", "", cobra.ExactArgs(1),
		func(args []string) (*written, error) {
			id, err := parseBinding(args[0])
			change := &entry.BindingChange{Action: entry.ActionClose, Binding: id}
			return &written{
				draft: entry.Draft{Kind: entry.KindBinding, Jurisdiction: jurisdiction, Body: change},
				note:  "Readings that were signed before may still arrive for seven days.",
				complete: func(_ context.Context, c *client.Caller, _ *written) error {
					now := c.Now()
					change.To = &now
					return nil
				},
			}, err
		})
	return inJurisdiction(cmd, &jurisdiction, "of the binding")
}

var errDevice = errors.New("the answer about the device has no handle or no jurisdiction")

// newDeviceState suspends, resumes or revokes a device key under the handle and
// jurisdiction of its enrolment, which the log knows.
func newDeviceState(a *app, use, short string, action entry.AuthorAction) *cobra.Command {
	var newest string
	cmd := a.writes(use+" AUTHOR", short, "", cobra.ExactArgs(1), func(args []string) (*written, error) {
		change := &entry.AuthorChange{Action: action}
		var err error
		if change.Author, err = parseAuthorID(args[0]); err != nil {
			return nil, err
		}
		change.Upto, err = upto(newest)
		return &written{
			draft: entry.Draft{Kind: entry.KindAuthor, Body: change},
			complete: func(ctx context.Context, c *client.Caller, w *written) error {
				device, err := c.Device(ctx, change.Author)
				if err != nil {
					return err
				}
				if len(device.GetHandle()) != entry.IDSize || len(device.GetJurisdictions()) == 0 {
					return say.NotProven(errDevice)
				}
				w.draft.Sub, w.draft.Jurisdiction = entry.SubOfHandle(entry.Handle(device.GetHandle())), device.GetJurisdictions()[0]
				return nil
			},
		}, err
	})
	if action == entry.AuthorRevoke {
		cmd.Flags().StringVar(&newest, "upto", "", "newest statement of the key that still counts, also when it arrives late")
	}
	return cmd
}
