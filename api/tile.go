package api

import (
	"net/http"
	"strings"

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
// and hash tiles for all who may connect and, if asked for, entry bundles for
// auditors.
func (s *Server) mountStatic(mux *http.ServeMux, entries bool) {
	mux.HandleFunc("GET /checkpoint", s.edge.Few("checkpoint", s.serveCheckpoint))
	mux.HandleFunc("GET /tile/", s.edge.Few("tile", func(w http.ResponseWriter, r *http.Request) { s.serveTile(w, r, entries) }))
}

// serveCheckpoint answers the newest published checkpoint as a signed note.
func (s *Server) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	published := s.node.Published()
	if published == nil || r.URL.RawQuery != "" {
		s.edge.PlainFault(w, "checkpoint", http.StatusNotFound)
		return
	}
	s.edge.Plain(w, "checkpoint", noteType, keepNote, published.Note)
}

// serveTile answers one tile. Only the one spelling of a tile's path is a path,
// and only what a published checkpoint covers is there.
func (s *Server) serveTile(w http.ResponseWriter, r *http.Request, entries bool) {
	tile, err := proof.ParseTilePath(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	if err != nil || r.URL.RawQuery != "" {
		s.edge.PlainFault(w, "tile", http.StatusNotFound)
		return
	}
	resource := "tile"
	if tile.Level == proof.EntriesLevel {
		resource = "entries"
		if !entries {
			s.edge.PlainFault(w, resource, http.StatusNotFound)
			return
		}
		if status := s.edge.MayFetch(r, entry.RoleAuditor); status != http.StatusOK {
			s.edge.PlainFault(w, resource, status)
			return
		}
	}
	published := s.node.Published()
	if published == nil || tile.End() > published.Checkpoint.Size {
		s.edge.PlainFault(w, resource, http.StatusNotFound)
		return
	}
	body, keep, err := s.tileBytes(tile, published.Checkpoint.Size)
	if err != nil {
		s.edge.Incident(r.Context(), resource, err)
		s.edge.PlainFault(w, resource, http.StatusInternalServerError)
		return
	}
	s.edge.Plain(w, resource, tileType, keep, body)
}

// tileBytes reads a tile and says how long it may be kept.
func (s *Server) tileBytes(tile proof.Tile, size uint64) (body []byte, keep string, err error) {
	keep = keepTile
	if tile.Level == proof.EntriesLevel {
		keep = keepEntry
	}
	body, err = s.log.Tile(tile, size)
	return body, keep, err
}
