package keytree

import (
	"context"
	"fmt"
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// Abandon gives up reserved root versions that are not in use any more. It
// holds the lock under which this process reserves. It reports whether it did
// something.
func (t *Tree) Abandon(ctx context.Context) (bool, error) {
	t.attempt.Lock()
	defer t.attempt.Unlock()
	return t.forRoots(store.RootReserved, func(version uint64) (bool, error) {
		_, err := t.cfg.Propose(ctx, &store.AbandonRoot{Version: version})
		return true, err
	})
}

// forRoots calls act for the root versions in a state. An answer that a command
// was outdated is none.
func (t *Tree) forRoots(state store.RootState, act func(version uint64) (bool, error)) (acted bool, err error) {
	roots, err := t.cfg.Store.View().Roots()
	for _, r := range roots {
		if err != nil {
			return acted, err
		}
		if r.State != state {
			continue
		}
		var did bool
		did, err = act(r.Version)
		err = store.UnlessOutdated(err)
		acted = acted || did && err == nil
	}
	return acted, err
}

// OrderDestruction dooms, in the whole group, what a verified rekey has replaced. It
// reports whether it did something.
func (t *Tree) OrderDestruction(ctx context.Context) (bool, error) {
	now := t.cfg.Store.View()
	old, err := now.OldTop()
	if err != nil || old == nil {
		return false, err
	}
	top, err := now.Top()
	if err != nil {
		return false, err
	}
	sound, err := now.Sound(top.Root)
	if err != nil || !sound {
		return false, err
	}
	_, err = t.cfg.Propose(ctx, &store.DestroyRoot{Current: top.Root})
	return true, store.UnlessOutdated(err)
}

// DestroyRoots destroys on this node every root version the group has doomed, and
// attests it. Before that the state in which the version is doomed is
// made durable: no power cut may bring back blobs that only it could open. It
// reports whether it did something.
func (t *Tree) DestroyRoots(ctx context.Context) (bool, error) {
	return t.forRoots(store.RootDoomed, func(version uint64) (bool, error) {
		said, err := t.cfg.Store.View().Attested(version, t.cfg.Self)
		if err != nil || said {
			return false, err
		}
		if _, err := t.cfg.Store.State().Durable(); err != nil {
			return false, err
		}
		if err := t.destroy(version); err != nil {
			return false, err
		}
		c := &store.Attest{Version: version, Author: t.cfg.Self}
		c.Method, c.Strength = t.Claim()
		if c.Signature, err = t.cfg.Attest(c.Message(t.group())); err != nil {
			return false, fmt.Errorf("vault: sign an attestation: %w", err)
		}
		_, err = t.cfg.Propose(ctx, c)
		return true, err
	})
}

func (t *Tree) destroy(version uint64) error {
	if err := t.cfg.Provider.Destroy(version); err != nil {
		return fmt.Errorf("vault: destroy root version %d: %w", version, err)
	}
	return nil
}

// Claim says how root versions are destroyed here.
func (t *Tree) Claim() (entry.Method, entry.Strength) { return t.cfg.Provider.Claim() }

// OnlyCurrent reports whether this node holds no root version but the current
// one, by the group's rows and by the provider's own list, and names the current
// one. Newer ones count too: an attempt that was overtaken may have been built
// before the erasure was condemned.
func (t *Tree) OnlyCurrent() (current uint64, only bool, err error) {
	now := t.cfg.Store.View()
	top, err := now.Top()
	if err != nil || top == nil {
		return 0, false, err
	}
	all, err := now.Roots()
	if err != nil {
		return 0, false, err
	}
	for _, r := range all {
		if r.Version == top.Root {
			continue
		}
		said, err := now.Attested(r.Version, t.cfg.Self)
		if err != nil || r.State != store.RootDoomed || !said {
			return 0, false, err
		}
	}
	others, err := t.others(now)
	return top.Root, len(others) == 0, err
}

// others lists the versions the provider holds beside the current one, of those
// the group has ever taken.
func (t *Tree) others(now store.View) ([]uint64, error) {
	top, err := now.Top()
	if err != nil || top == nil {
		return nil, err
	}
	c, err := now.Counters()
	if err != nil {
		return nil, err
	}
	held, err := t.cfg.Provider.List()
	if err != nil {
		return nil, fmt.Errorf("vault: list root versions: %w", err)
	}
	return slices.DeleteFunc(held, func(version uint64) bool { return version == top.Root || version > c.Roots }), nil
}

// DestroyAgain destroys what the group's rows call destroyed and the provider
// still has: an old keyring was put back.
func (t *Tree) DestroyAgain() error {
	now := t.cfg.Store.View()
	held, err := t.others(now)
	if err != nil {
		return err
	}
	for _, version := range held {
		state, err := now.RootState(version)
		if err != nil {
			return err
		}
		if state != 0 {
			continue
		}
		if err := t.destroy(version); err != nil {
			return err
		}
	}
	return nil
}
