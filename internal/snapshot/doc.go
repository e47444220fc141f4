// Package snapshot keeps named sections of bytes in one file so that a commit is all or nothing.
//
// The promise: after a crash at any moment, after any truncation and after any flipped bit, Open finds the
// state exactly as of one earlier commit, never a mix of two, and never refuses to start because of what the
// file holds. Damage that no earlier commit survives gives an empty store. What happened is in LoadReport.
//
// A commit appends the sections that changed as one frame and syncs the file. A frame carries its length, a
// sequence number, CRC-32C over everything in it and the checksum of the frame before it, so that frames are
// accepted only in the order they were written. When the file has grown it is written anew (temporary file,
// sync, rename, sync of the folder) and the one before is kept beside it as the previous generation.
//
// A Store may be used from several goroutines; calls are serialised. It lives from Open to Close and holds an
// advisory lock meanwhile. Memory is the index (names, offsets, checksums), one 64 KiB buffer, and the
// sections of commits that failed and wait for the next one; committed data stay in the file. The file is at
// most the larger of CompactBytes and three times the live sections, plus one commit; on disk there are two
// of them, three during compaction.
//
// It does not encrypt, does not interpret sections and does not decide when to commit.
package snapshot
