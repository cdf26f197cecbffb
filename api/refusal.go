package api

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// refusalDomain begins the bytes signed under a refusal. No statement begins so.
const refusalDomain = "indelible refusal v1\n"

// refusalBytes are what a node signs under a refusal for good.
func refusalBytes(log entry.LogID, id entry.StatementID, at uint64, code entry.Code) []byte {
	b := append([]byte(refusalDomain), log[:]...)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, at)
	return append(b, code...)
}

// signRefusal gives a client something to keep: it is told to destroy the only
// openings of a statement, and must be able to show that it was told.
func (s *Server) signRefusal(id entry.StatementID, code entry.Code) (*indeliblev1.SignedRefusal, error) {
	at := uint64(s.cfg.Now().UnixMilli())
	message, hash := refusalBytes(s.log.ID(), id, at, code), crypto.Hash(0)
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
