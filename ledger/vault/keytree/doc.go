// Package keytree is the half of a vault that has keys: it opens the key tree
// that package store keeps sealed, adds leaves to it, takes condemned ones out,
// and destroys the root versions in which older copies of it hang.
//
// Its law:
//
//   - A key is handed out as a cipher of one leaf, to package vault alone. No
//     other package may import this one.
//   - A root version serves one attempt. It is destroyed only after every living
//     key was found under the next, and after the state that no longer needs it
//     is durable on this node.
//   - What was opened is forgotten before the command that made it void is
//     acknowledged; a reader that began before leaves nothing behind.
//   - Every step acts from the replicated state. It may be cut short anywhere and
//     done again.
//   - Keys are overwritten after use, as far as the runtime allows, and print as
//     nothing. None is in an error.
//   - It writes nothing but root versions: every change of the tree is a command
//     that is proposed.
package keytree
