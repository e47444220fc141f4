// Package detectors is the arithmetic of "what moved, and by how much": bounded profiles of columns, and the
// distances, tests and estimates that a person reads when two profiles, or two samples, are compared.
//
// Promise. Everything here is a pure function of its arguments: no I/O, no clock, no goroutines, no logging, no
// package-level state that changes. Values may be used from several goroutines as long as nobody writes; a Grid is
// immutable after its construction. Every type states its bound on memory, every Merge is exact (the counts and
// sums of any split, merged in any order, are the same bits), and the functions on the hot path (Grid.Bin,
// NumberSummary.Add, HLL.Add, TopK.Add and Sketch.Add on what they know already) do not allocate.
//
// What it does not do. Nothing here decides to wake a person. Statistics describe; the evidence that may page is in
// package detectors/sequential, and the classics that users ask for by name are in detectors/classic. Bins are fixed
// by the reference and never move with the data under test, so one outlier cannot hide a shift.
package detectors
