package tail

import (
	"context"
	"log/slog"
	"maps"
)

// Kinds of Stats.Rotations and reasons of Stats.Refused: closed sets, named as in the catalogue.
const (
	rotatedRename   = "rename"
	rotatedTruncate = "truncate"
	rotatedGzip     = "gzip"
	rotatedDeleted  = "deleted"

	refusedLimit      = "limit"
	refusedIrregular  = "irregular"
	refusedOutside    = "outside"
	refusedUnreadable = "unreadable"
	refusedCompressed = "compressed"
)

// Stats are totals since New, except where a field says now.
type Stats struct {
	Bytes        uint64            // of lines handed out, after decompression
	GapBytes     uint64            // certainly lost before they could be read
	Oversize     uint64            // lines past MaxLineBytes, skipped
	Rotations    map[string]uint64 // rename, truncate, gzip, deleted
	Refused      map[string]uint64 // paths that matched but are not read: limit, irregular, outside, unreadable, compressed
	HoldsRefused uint64            // lines that would not be read again after a restart, past the bound on holds
	Looks        uint64            // names and folders that were looked at
	Reads        uint64            // reads of files, whether something new was there or not
	LagBytes     uint64            // now: known to stand in the files and not handed out
	Files        int               // now: followed
	OpenFiles    int               // now: descriptors
	Polling      bool              // now: some folder is polled
}

func newStats() Stats {
	return Stats{
		Rotations: map[string]uint64{rotatedRename: 0, rotatedTruncate: 0, rotatedGzip: 0, rotatedDeleted: 0},
		Refused: map[string]uint64{refusedLimit: 0, refusedIrregular: 0, refusedOutside: 0, refusedUnreadable: 0,
			refusedCompressed: 0},
	}
}

// Stats returns a copy that the caller may keep.
func (t *Tailer) Stats() Stats {
	s := t.stats
	s.Rotations, s.Refused = maps.Clone(s.Rotations), maps.Clone(s.Refused)
	for _, src := range t.byInode {
		if !src.done {
			s.Files++
		}
		s.LagBytes += uint64(src.unread())
	}
	for _, src := range t.leaving {
		if src.deleted {
			s.Files++
			s.LagBytes += uint64(src.unread())
		}
	}
	s.OpenFiles = len(t.open)
	for _, d := range t.order {
		s.Polling = s.Polling || !d.seen
	}
	return s
}

// tell notes what became of a file, for whoever asks why a line was read where it was.
func (t *Tailer) tell(what string, s *Source) {
	if t.log.Enabled(context.Background(), slog.LevelDebug) {
		t.log.Debug("tail: "+what, "source", s.ID(), "path", s.real, "offset", s.offset, "size", s.size, "inode", s.id.ino)
	}
}
