package logcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"indelible/proof"
)

// maxObject bounds one fetched object: the largest is an entry bundle.
const maxObject = proof.TileWidth*(proof.MaxEntry+2) + 1

// ErrNotFound is an object the source does not have.
var ErrNotFound = errors.New("not there")

// Source hands out the objects of a log by their C2SP tlog-tiles path.
type Source func(ctx context.Context, path string) ([]byte, error)

// Dir reads a log from a directory laid out by those paths.
func Dir(root string) Source {
	return func(_ context.Context, path string) ([]byte, error) {
		raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", path, ErrNotFound)
		}
		return raw, err
	}
}

// URL reads a log over HTTP, below the given address.
func URL(client *http.Client, base string) Source {
	base = strings.TrimSuffix(base, "/")
	return func(ctx context.Context, path string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/"+path, nil)
		if err != nil {
			return nil, fmt.Errorf("ask for %s: %w", path, err)
		}
		answer, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(io.LimitReader(answer.Body, maxObject))
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		return raw, status(path, answer.StatusCode, len(raw))
	}
}

func status(path string, code, size int) error {
	switch {
	case code == http.StatusNotFound:
		return fmt.Errorf("%s: %w", path, ErrNotFound)
	case code != http.StatusOK:
		return &StatusError{Path: path, Code: code}
	case size == maxObject:
		return fmt.Errorf("%s: %w", path, proof.ErrTooLarge)
	}
	return nil
}

// StatusError is an answer that is neither the object nor its absence.
type StatusError struct {
	Path string
	Code int
}

// Error says which object and which HTTP status.
func (e *StatusError) Error() string { return fmt.Sprintf("%s: HTTP status %d", e.Path, e.Code) }

// fetchTile asks for a tile as wide as the tree needs it, then for the full one:
// partial tiles may be removed once the full one exists (C2SP tlog-tiles). It gives
// as much of it as the tree needs, and the bytes it came in.
func fetchTile[T any](ctx context.Context, from Source, tile proof.Tile, parse func([]byte) ([]T, error)) ([]T, []byte, error) {
	raw, err := from(ctx, tile.Path())
	if errors.Is(err, ErrNotFound) && tile.Width < proof.TileWidth {
		raw, err = from(ctx, proof.Tile{Level: tile.Level, Index: tile.Index, Width: proof.TileWidth}.Path())
	}
	if err != nil {
		return nil, nil, err
	}
	list, err := parse(raw)
	if err == nil && len(list) < tile.Width {
		err = errSize
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", tile.Path(), err)
	}
	return list[:tile.Width], raw, nil
}
