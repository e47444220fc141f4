// Package ingest is the loop that live operation, backtest and reference building share: bytes of files become
// lines, lines become records, records reach the models that want them, and once a tick everything that was derived
// is committed together with the positions it was derived from.
//
// The promise of a Loop: what is published was committed first, in one commit with the file positions, so a kill at
// any moment neither loses nor doubles a line, and counters never go backwards over a restart. When a commit fails
// the loop goes on counting in memory, says so, and publishes all the same.
//
// A Loop owns its engine, its tailer and its state file from New to the end of Run; Run is called once. ReloadModels
// may be called from another goroutine and takes effect at the next tick. Replay keeps nothing: it reads files once,
// with event time in place of the clock. Memory is that of the tailer, of the engine, and one parser for each
// rotation lineage of a model, dropped after a day without a line.
//
// The package does not open sockets, knows nothing of rules or alerts, and logs no line's content.
package ingest
