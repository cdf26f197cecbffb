package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// rotate takes condemned keys out of the tree: one fresh root version, one
// rekey. It reports whether it did something. Whatever becomes of the attempt
// is found out from the state, not from the answer: a version left reserved is
// abandoned on the next round.
func (v *Vault) rotate(ctx context.Context) (bool, error) {
	v.rooting.Lock()
	defer v.rooting.Unlock()
	now := v.store.view()
	pending, err := now.oldTop()
	if err != nil || pending != nil {
		return false, err
	}
	erased, err := now.doomed(maxDoomed)
	if err != nil || len(erased) == 0 {
		return false, err
	}
	root, err := v.reserve(ctx)
	if err != nil {
		return false, err
	}
	c, err := v.buildRekey(root, erased)
	if err != nil {
		return false, err
	}
	_, err = v.propose(ctx, c)
	return true, unlessOutdated(err)
}

// giveUp vacates allocations when many of them were never registered. Whoever
// is still at work on one makes another.
func (v *Vault) giveUp(ctx context.Context) (bool, error) {
	vacant, err := v.store.view().vacancies()
	if err != nil || len(vacant) < manyVacant {
		return false, err
	}
	_, err = v.propose(ctx, vacateCommand{})
	return err == nil, err
}

// abandon gives up reserved versions that nobody is using any more. It holds
// the lock under which this process reserves.
func (v *Vault) abandon(ctx context.Context) (bool, error) {
	v.rooting.Lock()
	defer v.rooting.Unlock()
	roots, err := v.store.view().roots(allRoots)
	if err != nil {
		return false, err
	}
	acted := false
	for _, r := range roots {
		if r.state != rootReserved {
			continue
		}
		if _, err := v.propose(ctx, abandonRootCommand{r.id}); unlessOutdated(err) != nil {
			return acted, err
		}
		acted = true
	}
	return acted, nil
}

// buildRekey rewrites every node above the erased leaves. What is in it was
// taken from one unchanging state; the command is refused if that has moved on.
func (v *Vault) buildRekey(root uint64, erased []uint64) (rekeyCommand, error) {
	var c rekeyCommand
	err := v.store.snapshot(func(s view) error {
		t, err := s.top()
		if err != nil {
			return err
		}
		if t == nil {
			return errors.New("vault: rekey of a tree that was not planted")
		}
		c = rekeyCommand{base: t.version, root: root, erased: erased}
		open, err := openAbove(s, v.provider, v.store.group, *t, ancestors(erased, t.height), rowNode)
		if err != nil {
			return err
		}
		defer open.wipe()
		return v.sealAbove(&c, *t, open)
	})
	return c, err
}

// branch is a set of open nodes that hangs together up to the top, with the key
// of each.
type branch struct {
	places []place // from the bottom
	keys   map[place]Key
	nodes  map[place]*nodeKeys
}

func (b *branch) wipe() {
	for _, n := range b.nodes {
		n.wipe()
	}
	clear(b.keys)
}

// openAbove opens nodes from the top down; letter says where the rows of these
// places lie.
func openAbove(s view, p Provider, group string, t top, places []place, letter byte) (*branch, error) {
	own, err := unwrapTop(p, group, t)
	if err != nil {
		return nil, err
	}
	b := &branch{places: places, keys: make(map[place]Key), nodes: make(map[place]*nodeKeys)}
	b.keys[t.place()] = *own
	own.wipe()
	for _, at := range slices.Backward(places) {
		if at != t.place() {
			above := b.nodes[at.parent()]
			if above == nil {
				return nil, fmt.Errorf("vault: node %d/%d hangs in nothing", at.level, at.position)
			}
			b.keys[at] = above[at.slot()]
		}
		key := b.keys[at]
		if b.nodes[at], err = openNodeAt(s, group, letter, &key, at); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sealAbove writes the nodes of a branch anew, from the bottom up: without the
// erased leaves, with the fresh keys of the nodes below, each under a fresh key
// of its own.
func (v *Vault) sealAbove(c *rekeyCommand, t top, open *branch) error {
	fresh := make(map[place]Key, len(open.places))
	defer clear(fresh)
	for _, leaf := range c.erased {
		open.nodes[bottomOf(leaf)][leafSlot(leaf)] = Key{}
	}
	for _, at := range open.places {
		own, err := newKey(v.cfg.Rand)
		if err != nil {
			return err
		}
		sealed, err := sealNode(&own, open.nodes[at], nodeData(v.store.group, at, t.version+1))
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, nodeRow{at, t.version + 1, sealed})
		fresh[at] = own
		if at != t.place() {
			open.nodes[at.parent()][at.slot()] = own
		}
	}
	own := fresh[t.place()]
	wrapped, err := v.wrap(c.root, &own, t.height, t.version+1)
	c.wrapped = wrapped
	return err
}

// judge gives this node's verdict on a rekey that has none from it yet.
func (v *Vault) judge(ctx context.Context) (bool, error) {
	var due bool
	var c verdictCommand
	err := v.store.snapshot(func(s view) error {
		t, err := s.top()
		if err != nil || t == nil {
			return err
		}
		old, err := s.oldTop()
		if err != nil || old == nil {
			return err
		}
		c = verdictCommand{version: t.root, author: v.self}
		said, err := s.has(key64ID(rowVerdict, t.root, v.self[:]))
		if err != nil || said {
			return err
		}
		due = true
		fault := v.compare(s, *old, *t)
		if fault != nil && !errors.Is(fault, errLivingKey) && !errors.Is(fault, errNode) {
			return fault // not a verdict: the provider or the disk did not answer
		}
		c.ok = fault == nil
		return nil
	})
	if err != nil || !due {
		return false, err
	}
	if c.signature, err = v.env.Attest(c.message(v.store.group)); err != nil {
		return false, fmt.Errorf("vault: sign a verdict: %w", err)
	}
	_, err = v.propose(ctx, c)
	return true, unlessOutdated(err)
}

// broken reports a verdict against the current root version: the node must stop
// with both roots in place.
func (v *Vault) broken() error {
	now := v.store.view()
	t, err := now.top()
	if err != nil || t == nil {
		return err
	}
	_, broken, err := now.verdicts(t.root)
	if err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%w: %d members", errLivingKey, broken)
	}
	return nil
}

// destroyRoots proposes to destroy what a verified rekey has replaced.
func (v *Vault) destroyRoots(ctx context.Context) (bool, error) {
	now := v.store.view()
	old, err := now.oldTop()
	if err != nil || old == nil {
		return false, err
	}
	t, err := now.top()
	if err != nil {
		return false, err
	}
	sound, err := now.sound(t.root)
	if err != nil || !sound {
		return false, err
	}
	_, err = v.propose(ctx, destroyRootCommand{t.root})
	return true, unlessOutdated(err)
}

// destroyHere destroys on this node every version the group has doomed, and
// says so. Before that the state in which the version is doomed is made
// durable: no power cut may bring back blobs that only it could open.
func (v *Vault) destroyHere(ctx context.Context) (bool, error) {
	roots, err := v.store.view().roots(allRoots)
	if err != nil {
		return false, err
	}
	acted := false
	for _, r := range roots {
		if r.state != rootDoomed {
			continue
		}
		did, err := v.destroyOne(ctx, r.id)
		if err != nil {
			return acted, err
		}
		acted = acted || did
	}
	return acted, nil
}

func (v *Vault) destroyOne(ctx context.Context, version uint64) (bool, error) {
	said, err := v.store.view().hasAttested(version, v.self)
	if err != nil || said {
		return false, err
	}
	if _, err := v.store.db.Durable(); err != nil {
		return false, err
	}
	if err := v.provider.Destroy(version); err != nil {
		return false, fmt.Errorf("vault: destroy root version %d: %w", version, err)
	}
	c := attestCommand{version: version, author: v.self}
	c.method, c.strength = v.provider.Claim()
	if c.signature, err = v.env.Attest(c.message(v.store.group)); err != nil {
		return false, fmt.Errorf("vault: sign an attestation: %w", err)
	}
	_, err = v.propose(ctx, c)
	return true, unlessOutdated(err)
}

// rootsGone reports whether this node holds no root version but the current one,
// by the group's books and by the provider's own list, and names the current
// one. Newer ones count too: an attempt that was overtaken may have been built
// before the erasure was condemned.
func (v *Vault) rootsGone() (current uint64, ok bool, err error) {
	now := v.store.view()
	t, err := now.top()
	if err != nil || t == nil {
		return 0, false, err
	}
	all, err := now.roots(allRoots)
	if err != nil {
		return 0, false, err
	}
	for _, r := range all {
		if r.id == t.root {
			continue
		}
		said, err := now.hasAttested(r.id, v.self)
		if err != nil || r.state != rootDoomed || !said {
			return 0, false, err
		}
	}
	others, err := v.others(now)
	return t.root, len(others) == 0, err
}

// others lists the versions the provider holds beside the current one, of those
// the group has ever taken.
func (v *Vault) others(now view) ([]uint64, error) {
	t, err := now.top()
	if err != nil || t == nil {
		return nil, err
	}
	c, err := now.counters()
	if err != nil {
		return nil, err
	}
	held, err := v.provider.List()
	if err != nil {
		return nil, fmt.Errorf("vault: list root versions: %w", err)
	}
	return slices.DeleteFunc(held, func(version uint64) bool { return version == t.root || version > c.roots }), nil
}

// strays destroys again what the group's books call destroyed and the provider
// still has: somebody put an old keyring back.
func (v *Vault) strays() error {
	now := v.store.view()
	held, err := v.others(now)
	if err != nil {
		return err
	}
	for _, version := range held {
		state, err := now.rootState(version)
		if err != nil {
			return err
		}
		if state != 0 {
			continue
		}
		if err := v.provider.Destroy(version); err != nil {
			return fmt.Errorf("vault: destroy root version %d: %w", version, err)
		}
	}
	return nil
}
