// Package logcheck recomputes a whole log from its own bytes, as an outsider:
// every leaf, every signature, every tile and the root a checkpoint signs.
//
// Its law:
//
//   - It believes the pinned policy and nothing else. Where the bytes come from
//     (a server, a mirror, a directory) makes no difference.
//   - It names the first index that does not hold, and stops there.
//   - Memory does not grow with the log, except for one row per enrolled key.
package logcheck
