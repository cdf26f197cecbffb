// Package commands is the command tree of the program indelible.
//
// Its law:
//
//   - A command reads its flags, acts through package client, and prints
//     through package say. No rule about entries stands here.
//   - What is signed is kept before it is sent, when --keep asks for it, and can
//     be sent again as the same bytes with append.
//   - It imports neither the node nor its storage: who has to trust it can
//     read all of it.
package commands
