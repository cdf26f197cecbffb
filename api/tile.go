package api

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Content types and caching of C2SP tlog-tiles.
const (
	noteType  = "text/plain; charset=utf-8"
	tileType  = "application/octet-stream"
	keepTile  = "public, max-age=31536000, immutable"
	keepEntry = "private, max-age=31536000, immutable"
	keepNote  = "no-cache"
)

// mountStatic puts the static read path of the log on a mux: the checkpoint
// and hash tiles for whoever may connect and, if asked for, entry bundles for
// auditors.
func (s *Server) mountStatic(mux *http.ServeMux, entries bool) {
	mux.HandleFunc("GET /checkpoint", s.few("checkpoint", s.serveCheckpoint))
	mux.HandleFunc("GET /tile/", s.few("tile", func(w http.ResponseWriter, r *http.Request) { s.serveTile(w, r, entries) }))
}

// few bounds how many plain requests are answered at once, for one key or, where
// none is shown, for one address. A client that asks for much and takes nothing
// would otherwise have it all kept ready for as long as it may.
func (s *Server) few(resource string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := keyOf(r)
		if err != nil {
			who = sha256.Sum256([]byte(addressOf(r)))
		}
		leave, err := s.admission.enter(who, laneStatic)
		if err != nil {
			s.metrics.refused(entry.CodeOverloaded)
			w.Header().Set("Retry-After", "1")
			s.plainFault(w, resource, http.StatusServiceUnavailable)
			return
		}
		defer leave()
		next(w, r)
	}
}

// serveCheckpoint answers the newest published checkpoint as a signed note.
func (s *Server) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	published := s.node.Published()
	if published == nil || r.URL.RawQuery != "" {
		s.plainFault(w, "checkpoint", http.StatusNotFound)
		return
	}
	s.plain(w, "checkpoint", noteType, keepNote, published.Note)
}

// serveTile answers one tile. Only the one spelling of a tile's path is a path,
// and only what a published checkpoint covers is there.
func (s *Server) serveTile(w http.ResponseWriter, r *http.Request, entries bool) {
	tile, err := proof.ParseTilePath(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	if err != nil || r.URL.RawQuery != "" {
		s.plainFault(w, "tile", http.StatusNotFound)
		return
	}
	resource := "tile"
	if tile.Level == proof.EntriesLevel {
		resource = "entries"
		if !entries {
			s.plainFault(w, resource, http.StatusNotFound)
			return
		}
		if status := s.mayFetch(r, entry.RoleAuditor); status != http.StatusOK {
			s.plainFault(w, resource, status)
			return
		}
	}
	published := s.node.Published()
	if published == nil || tile.End() > published.Checkpoint.Size {
		s.plainFault(w, resource, http.StatusNotFound)
		return
	}
	body, keep, err := s.tileBytes(tile, published.Checkpoint.Size)
	if err != nil {
		s.faults.incident(r.Context(), resource, err)
		s.plainFault(w, resource, http.StatusInternalServerError)
		return
	}
	s.plain(w, resource, tileType, keep, body)
}

// tileBytes reads a tile and says how long it may be kept.
func (s *Server) tileBytes(tile proof.Tile, size uint64) (body []byte, keep string, err error) {
	if tile.Level == proof.EntriesLevel {
		body, err = s.log.Bundle(tile.Index, tile.Width, size)
		return body, keepEntry, err
	}
	body, err = s.log.Tile(tile, size)
	return body, keepTile, err
}

// mayFetch decides whether the caller of a plain request has one of the roles.
func (s *Server) mayFetch(r *http.Request, roles ...entry.Role) int {
	who, err := identify(s.log, r, s.cfg.Now())
	if err != nil {
		var refusal *entry.Refusal
		if errors.As(err, &refusal) {
			s.metrics.refused(refusal.Code)
			return http.StatusForbidden
		}
		s.faults.incident(r.Context(), r.Pattern, err)
		return http.StatusInternalServerError
	}
	for _, role := range roles {
		if who.Role == role {
			return http.StatusOK
		}
	}
	s.metrics.refused(wire.CodeCallerForbidden)
	return http.StatusForbidden
}

func (s *Server) plain(w http.ResponseWriter, resource, contentType, keep string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", keep)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	s.metrics.served.WithLabelValues(resource, "200").Inc()
	// A client that went away misses nothing that counts.
	_, _ = w.Write(body)
}

// plainFault answers with a status and its standard text, never with a word of
// the request.
func (s *Server) plainFault(w http.ResponseWriter, resource string, status int) {
	s.metrics.served.WithLabelValues(resource, strconv.Itoa(status)).Inc()
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}
