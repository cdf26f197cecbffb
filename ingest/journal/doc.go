// Package journal keeps records in append-only segments, each sealed under a key of
// its own. Spool, dead letters and receipts are users of it: they say what records
// mean, this package says when they are durable.
//
// # Its law
//
// A record that Append returned an address for, or that Scan has shown, is there after
// any crash, whole, in its place, until its segment is destroyed. Records of one Append
// are there together or not at all. Damage to what was durable is an error and is never
// taken for a torn write; nothing is cut off but bytes of which nobody was told that
// they are durable. After Destroy no copy of a segment can be opened, wherever it was
// kept.
//
// # Format
//
// A journal is a directory of its own: N.seg is a segment, N.key its key, N.tmp a
// segment that does not count yet. N has 16 digits; the highest segment is active, the
// others are closed. Integers are big-endian.
//
//	segment  = identity (48) ‖ size of the head (8) ‖ CRC-32 of both (4) ‖ frame…
//	identity = magic (16) ‖ format (16, zeros behind) ‖ number (8) ‖ tag (8, random)
//	frame    = tag (8) ‖ ordinal (4) ‖ length of the box (4) ‖ box
//	box      = AES-256-GCM, nonce drawn inside; associated data = identity ‖ ordinal
//	payload  = (length of the record (uvarint) ‖ record)…; nothing in a mark
//
// Frame 0 holds, instead of records, number (8) and size (8) of each segment that was
// there before this one. So the newest segment says where each closed one
// ends. The head is what a segment was published with: frame 0 and what Rotate wrote.
//
// # What is durable when
//
// Append: (1) one frame is written behind the last one; (2) the file is synced; (3)
// an empty frame, the mark, is written behind it and not synced. The next frame
// overwrites the mark.
//
//   - A crash before (2): the frame is torn or whole. Nobody was told; whole, it is
//     synced when the journal opens and counts.
//   - A crash after (2): the frame is there.
//   - A whole frame, the mark too, behind one that does not open proves that the
//     broken one was durable, for it was written after the sync: that is damage, not a
//     torn write. So a damaged last frame is told from a torn one unless the power
//     went before the mark reached the disk, or the mark was cut off too: these two
//     look like a torn write, and the format cannot tell them.
//
// Rotate: (1) the key is written, synced, and its name; (2) the segment is written
// as N.tmp and synced; (3) it is renamed to N.seg and the name is synced.
//
//   - A crash before (3): N.tmp and the key are destroyed at the next opening; the
//     older segment is active and has all that was durable.
//   - After (3): the segment counts, its head with it. No segment has its name
//     before its key has one, and before its head is durable.
//
// Destroy: (1) the key is overwritten with zeros where it lies and synced; (2) the
// segment's name is removed, and that synced; (3) the key's.
//
//   - A crash after (1): a key of zeros is a destruction under way; opening ends it.
//     But the newest segment is destroyed last: its key of zeros beside older segments
//     is damage.
//   - After (2): a key of zeros without a segment is removed at the next opening. Any
//     other key below the active segment's number without its segment is damage.
//
// Opening checks that every segment is of this format before it changes anything, and a
// directory that holds only files of others is refused, not begun. The active segment
// is synced before its records count: what a killed process wrote and did not sync must
// not be believed and then be lost. Its last frame is written again before that, for a
// sync that failed may have left it shown and not written.
//
// An operation that failed ends the journal, a destruction too: what is on the disk
// is unknown until it is opened again. Only a segment that could not be begun may be
// begun once more, unless the sync of its key's name failed.
package journal
