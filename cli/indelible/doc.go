// Command indelible is everyone's side of an Indelible log but the node's:
// registrars, devices, ingest services, clinicians, officers and auditors. What
// it verifies, it verifies offline and believes no server.
//
// Its law: main only turns signals into a context and an exit code; the command
// tree is package commands. Neither Pebble nor Raft is in its import graph, so
// that whoever relies on it can read all of it.
package main
