package raft

import (
	"errors"
	"io"

	hraft "github.com/hashicorp/raft"
)

// errNoPeers answers every message of a group that has one member.
var errNoPeers = errors.New("raft: this group has no other member")

// sole is the transport of a group with one member. Addresses are node names,
// as they are in a cluster, so that a changed IP address changes no membership.
// It has no Close on purpose: the library would close it with the group, and a
// group may be restarted.
type sole struct {
	name     string
	incoming chan hraft.RPC // nothing ever arrives
}

func newSole(name string) *sole                { return &sole{name: name, incoming: make(chan hraft.RPC)} }
func (s *sole) Consumer() <-chan hraft.RPC     { return s.incoming }
func (s *sole) LocalAddr() hraft.ServerAddress { return hraft.ServerAddress(s.name) }

func (s *sole) AppendEntriesPipeline(hraft.ServerID, hraft.ServerAddress) (hraft.AppendPipeline, error) {
	return nil, errNoPeers
}

func (s *sole) AppendEntries(hraft.ServerID, hraft.ServerAddress, *hraft.AppendEntriesRequest, *hraft.AppendEntriesResponse) error {
	return errNoPeers
}

func (s *sole) RequestVote(hraft.ServerID, hraft.ServerAddress, *hraft.RequestVoteRequest, *hraft.RequestVoteResponse) error {
	return errNoPeers
}

// RequestPreVote implements hraft.WithPreVote; without it the library would
// silently do without pre-votes.
func (s *sole) RequestPreVote(hraft.ServerID, hraft.ServerAddress, *hraft.RequestPreVoteRequest, *hraft.RequestPreVoteResponse) error {
	return errNoPeers
}

func (s *sole) InstallSnapshot(hraft.ServerID, hraft.ServerAddress, *hraft.InstallSnapshotRequest, *hraft.InstallSnapshotResponse, io.Reader) error {
	return errNoPeers
}

func (s *sole) TimeoutNow(hraft.ServerID, hraft.ServerAddress, *hraft.TimeoutNowRequest, *hraft.TimeoutNowResponse) error {
	return errNoPeers
}

func (s *sole) EncodePeer(_ hraft.ServerID, a hraft.ServerAddress) []byte { return []byte(a) }
func (s *sole) DecodePeer(raw []byte) hraft.ServerAddress                 { return hraft.ServerAddress(raw) }
func (s *sole) SetHeartbeatHandler(func(hraft.RPC))                       {}
