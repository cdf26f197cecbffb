package api

import (
	"context"

	"connectrpc.com/connect"

	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
)

// clients are the Connect clients of one person.
type clients struct {
	ledger   indeliblev1connect.LedgerServiceClient
	devices  indeliblev1connect.DevicesServiceClient
	subjects indeliblev1connect.SubjectsServiceClient
	records  indeliblev1connect.RecordsServiceClient
	erasure  indeliblev1connect.ErasureServiceClient
	cluster  indeliblev1connect.ClusterServiceClient
}

// calls makes clients whose every call names a jurisdiction.
func (p *person) calls(jurisdiction string, options ...connect.ClientOption) clients {
	options = append(options, connect.WithInterceptors(&naming{jurisdiction}))
	url := p.site.url
	return clients{
		ledger:   indeliblev1connect.NewLedgerServiceClient(p.http, url, options...),
		devices:  indeliblev1connect.NewDevicesServiceClient(p.http, url, options...),
		subjects: indeliblev1connect.NewSubjectsServiceClient(p.http, url, options...),
		records:  indeliblev1connect.NewRecordsServiceClient(p.http, url, options...),
		erasure:  indeliblev1connect.NewErasureServiceClient(p.http, url, options...),
		cluster:  indeliblev1connect.NewClusterServiceClient(p.http, url, options...),
	}
}

// naming sets the jurisdiction header.
type naming struct{ jurisdiction string }

func (n *naming) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		if n.jurisdiction != "" {
			r.Header().Set(wire.JurisdictionHeader, n.jurisdiction)
		}
		return next(ctx, r)
	}
}

func (n *naming) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if n.jurisdiction != "" {
			conn.RequestHeader().Set(wire.JurisdictionHeader, n.jurisdiction)
		}
		return conn
	}
}

func (n *naming) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
