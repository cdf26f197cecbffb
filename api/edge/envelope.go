package edge

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

// The most digits of a timeout in the two protocols.
const (
	connectTimeoutDigits = 10
	grpcTimeoutDigits    = 8
)

// readable refuses a call whose headers the RPC library would refuse in its own
// words, which quote them: a compressed body, a timeout or a version that is
// none, a query that is no message. It reads nothing of the body.
func readable(r *http.Request) error {
	for _, name := range []string{"Content-Encoding", "Connect-Content-Encoding", "Grpc-Encoding"} {
		if !plainEncoding(r.Header.Get(name)) {
			return wire.Refuse(wire.CodeRequestCompressed)
		}
	}
	if !readableTimeouts(r.Header) {
		return malformed("The timeout of the call cannot be read.")
	}
	if version := r.Header.Get("Connect-Protocol-Version"); version != "" && version != "1" {
		return malformed("The call is of a version of the protocol that is not spoken here.")
	}
	if r.Method == http.MethodGet {
		return readableQuery(r.URL)
	}
	return nil
}

func malformed(text string) *entry.Refusal {
	r := wire.Refuse(wire.CodeRequestMalformed)
	r.Text = text
	return r
}

func plainEncoding(name string) bool { return name == "" || name == "identity" }

func readableTimeouts(h http.Header) bool {
	if t := h.Get("Connect-Timeout-Ms"); t != "" && !digits(t, connectTimeoutDigits) {
		return false
	}
	t := h.Get("Grpc-Timeout")
	return t == "" || strings.ContainsAny(t[len(t)-1:], "HMSmun") && digits(t[:len(t)-1], grpcTimeoutDigits)
}

func digits(text string, most int) bool {
	return text != "" && len(text) <= most && strings.Trim(text, "0123456789") == ""
}

// readableQuery checks a message that stands in a URL.
func readableQuery(u *url.URL) error {
	query := u.Query()
	if version := query.Get("connect"); version != "" && version != "v1" {
		return malformed("The call is of a version of the protocol that is not spoken here.")
	}
	if !plainEncoding(query.Get("compression")) {
		return wire.Refuse(wire.CodeRequestCompressed)
	}
	if !query.Has("message") {
		return malformed("The query holds no message.")
	}
	if query.Get("base64") == "1" {
		if _, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(query.Get("message"), "=")); err != nil {
			return malformed("The message in the query is not base64.")
		}
	}
	return nil
}
