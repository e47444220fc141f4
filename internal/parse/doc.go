// Package parse turns the bytes of one log line into the fields that a model asked for.
//
// A Plan is compiled once for each model from its format and its fields; a Parser is made from it for each
// source and keeps what belongs to that source: pieces of a container line, a CSV header, the first line of
// a pair. A Plan and all of its parsers belong to one goroutine. What Line puts into a Record (Value.Str)
// aliases the line or memory of the parser and is valid until the next call on any parser of the same plan.
//
// In the steady state a line costs no allocation. Memory is bounded: slots by FormatOptions.MaxFields, names
// remembered for prediction by maxKnownKeys for each object level, joined container lines by MaxLineBytes for each of two
// streams, held pairs by MaxPending, nesting by MaxDepth, keys of a line by MaxKeys.
//
// The package reads no file, no clock, and logs nothing. No error, result or panic carries bytes of a line.
package parse
