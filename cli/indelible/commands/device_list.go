package commands

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
)

// jsonDevice is one device key.
type jsonDevice struct {
	Author        string   `json:"author"`
	State         string   `json:"state"`
	Jurisdictions []string `json:"jurisdictions"`
	Handle        string   `json:"handle"`
	Linkable      bool     `json:"linkable"`
	Enrolled      uint64   `json:"enrolled_index"`
	Gaps          int      `json:"gaps"`
	GapsTruncated bool     `json:"gaps_truncated"` // there may be more
	Equivocations uint64   `json:"equivocations"`
}

// enoughGaps of one device are more than anyone looks at one by one.
const enoughGaps = 1000

var deviceStates = map[indeliblev1.DeviceState]string{
	indeliblev1.DeviceState_DEVICE_STATE_ACTIVE:    "active",
	indeliblev1.DeviceState_DEVICE_STATE_SUSPENDED: "suspended",
	indeliblev1.DeviceState_DEVICE_STATE_REVOKED:   "revoked",
}

func newDeviceList(a *app) *cobra.Command {
	return a.asks("list", "List device keys with their state, gaps and equivocations", cobra.NoArgs,
		func(ctx context.Context, c *client.Caller, _ []string) error {
			devices := []jsonDevice{}
			for d, err := range c.Devices(ctx) {
				if err == nil {
					err = c.Gaps(ctx, d, enoughGaps)
				}
				if err != nil {
					return err
				}
				devices = append(devices, deviceRow(d))
			}
			return a.Result(devices, func(p *say.Page) { showDevices(p, devices) })
		})
}

func deviceRow(d *indeliblev1.Device) jsonDevice {
	return jsonDevice{
		Author: hex.EncodeToString(d.GetAuthorId()), State: deviceStates[d.GetState()], Jurisdictions: d.GetJurisdictions(),
		Handle: hex.EncodeToString(d.GetHandle()), Linkable: d.GetLinkable(), Enrolled: d.GetEnrolled(),
		Gaps: len(d.GetGaps()), GapsTruncated: len(d.GetNextPageToken()) > 0, Equivocations: d.GetEquivocations(),
	}
}

func showDevices(p *say.Page, devices []jsonDevice) {
	p.Table("AUTHOR", "STATE", "WHERE", "HANDLE", "GAPS", "EQUIVOCATIONS")
	for _, d := range devices {
		gaps := strconv.Itoa(d.Gaps)
		if d.GapsTruncated {
			gaps += "+"
		}
		p.Row(d.Author, d.State, strings.Join(d.Jurisdictions, " "), d.Handle, gaps, d.Equivocations)
	}
}
