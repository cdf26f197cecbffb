package api

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// signRefusal gives a client something to keep: it is told to destroy the only
// openings of a statement, and must be able to show that it was told.
func (s *Server) signRefusal(id entry.StatementID, code entry.Code) (*indeliblev1.SignedRefusal, error) {
	at := uint64(s.cfg.Now().UnixMilli())
	message, hash := wire.RefusalBytes(s.log.ID(), id, at, code), crypto.Hash(0)
	if _, plain := s.cfg.AuthorKey.Public().(ed25519.PublicKey); !plain {
		digest := sha256.Sum256(message)
		message, hash = digest[:], crypto.SHA256
	}
	signature, err := s.cfg.AuthorKey.Sign(s.cfg.Rand, message, hash)
	if err != nil {
		return nil, fmt.Errorf("api: sign a refusal: %w", err)
	}
	return &indeliblev1.SignedRefusal{Node: s.author[:], AtMs: at, Signature: signature}, nil
}
