package client

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// Devices lists the device keys of the log by author id, page by page, as far as
// the caller goes on. Nothing in them is proven.
func (c *Client) Devices(ctx context.Context) iter.Seq2[*indeliblev1.Device, error] {
	return func(yield func(*indeliblev1.Device, error) bool) {
		for token := []byte(nil); ; {
			page, err := call(ctx, c, "", &indeliblev1.ListDevicesRequest{PageToken: token}, services.ListDevices)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range page.GetDevices() {
				if !yield(shownDevice(d), nil) {
					return
				}
			}
			if token = page.GetNextPageToken(); len(token) == 0 {
				return
			}
			if len(page.GetDevices()) == 0 { // such pages need have no end
				yield(nil, fmt.Errorf("%w: a page of devices is empty and not the last", ErrAnswer))
				return
			}
		}
	}
}

// Device fetches what the log knows of one device key.
func (c *Client) Device(ctx context.Context, id entry.AuthorID) (*indeliblev1.Device, error) {
	answer, err := call(ctx, c, "", &indeliblev1.GetDeviceRequest{AuthorId: id[:]}, services.GetDevice)
	return shownDevice(answer.GetDevice()), err
}

// Gaps goes on with the search for a device's gaps where an answer had to end it,
// until everything is searched or so many gaps are found.
func (c *Client) Gaps(ctx context.Context, d *indeliblev1.Device, enough int) error {
	for len(d.GetNextPageToken()) > 0 && len(d.GetGaps()) < enough {
		answer, err := call(ctx, c, "", &indeliblev1.GetDeviceRequest{
			AuthorId: d.GetAuthorId(), PageToken: d.GetNextPageToken(),
		}, services.GetDevice)
		if err != nil {
			return err
		}
		more := answer.GetDevice()
		if bytes.Equal(more.GetNextPageToken(), d.GetNextPageToken()) {
			return fmt.Errorf("%w: the search for gaps does not go on", ErrAnswer)
		}
		d.Gaps = append(d.Gaps, more.GetGaps()...)
		d.NextPageToken = more.GetNextPageToken()
	}
	return nil
}

func shownDevice(d *indeliblev1.Device) *indeliblev1.Device {
	for i, jurisdiction := range d.GetJurisdictions() {
		d.Jurisdictions[i] = plain(jurisdiction)
	}
	return d
}
