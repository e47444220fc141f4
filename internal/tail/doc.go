// Package tail turns the bytes of growing, rotating files into chunks of whole lines, each byte exactly once.
//
// The promise: a line that a follower could have read is handed out once, in its file's order, whatever happened
// to the file's name meanwhile: renamed, copied and truncated, compressed, deleted while it was open,
// while the agent was down. What was certainly lost is counted in Stats.GapBytes; it is never silent.
// Positions live in State(), which the caller commits together with what it derived from the lines.
//
// A Tailer is used from one goroutine and starts none: Next looks at the files, reads and waits. It lives from New to
// Close. Memory is one read buffer (ChunkBytes, growing once to MaxLineBytes), about two kilobytes for each of
// at most MaxFiles files, their folders included, and a decompressor for at most maxStreams compressed files at a time. At most
// MaxOpenFiles descriptors are open, plus one inotify instance.
//
// It opens files for reading only, never through a symbolic link that leaves the roots, and never
// anything but regular files. It does not parse, does not wait for a line's end by time, and does not
// delete or rename anything.
package tail
