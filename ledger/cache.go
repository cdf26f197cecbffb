package ledger

import "sync"

// cache keeps what was read lately, in two generations: when the young one is
// full it becomes the old one, and the old one is forgotten. It holds at most
// twice its limit.
//
// Of rows that are replaced in time the writer of the ledger alone fills it, so
// that no reader can put back one that no longer holds; rows that only grow
// anyone may put in. Values are shared and never changed after that.
type cache[K comparable, V any] struct {
	limit int

	mu         sync.RWMutex // guards the maps; the writer, where it is alone, reads them without
	young, old map[K]V
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: max(limit, 1), young: make(map[K]V)}
}

// peek looks without remembering that it did: for readers.
func (c *cache[K, V]) peek(k K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	return v, ok
}

// get looks and keeps what it found young: for a writer who alone fills the cache.
func (c *cache[K, V]) get(k K) (V, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.put(k, v)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[k]; !ok && len(c.young) >= c.limit {
		c.old, c.young = c.young, make(map[K]V, c.limit/2)
	}
	c.young[k] = v
}

func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, k)
	delete(c.old, k)
}
