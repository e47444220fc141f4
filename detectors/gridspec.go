package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxCoarse bounds cuts and atoms; rule B makes at most 9 and 20.
const maxCoarse = 64

// validate checks everything a Grid relies on.
func (s *GridSpec) validate() error {
	if len(s.FineEdges) > maxEdges {
		return fmt.Errorf("%w: fine_edges has %d entries, at most %d are possible", ErrShape, len(s.FineEdges), maxEdges)
	}
	if len(s.Cuts) > maxCoarse || len(s.Atoms) > maxCoarse {
		return fmt.Errorf("%w: %d cuts and %d atoms, at most %d of each are possible", ErrShape, len(s.Cuts), len(s.Atoms), maxCoarse)
	}
	if len(s.Means) != len(s.FineEdges)+1 {
		return fmt.Errorf("%w: means has %d entries, want one more than fine_edges (%d)", ErrShape, len(s.Means), len(s.FineEdges)+1)
	}
	if err := ascending("fine_edges", s.FineEdges); err != nil {
		return err
	}
	if err := ascending("cuts", s.Cuts); err != nil {
		return err
	}
	if err := ascending("atoms", s.Atoms); err != nil {
		return err
	}
	has := make(map[float64]bool, len(s.FineEdges))
	for _, e := range s.FineEdges {
		has[e] = true
	}
	for _, c := range s.Cuts {
		if !has[c] {
			return fmt.Errorf("%w: a cut is not among fine_edges", ErrShape)
		}
	}
	for _, a := range s.Atoms {
		if p := pred(a); !has[a] || !math.IsInf(p, 0) && !has[p] {
			return fmt.Errorf("%w: an atom or the number just below it is not among fine_edges", ErrShape)
		}
	}
	for b, m := range s.Means {
		if b > 0 && m < s.FineEdges[b-1] || b < len(s.FineEdges) && m > s.FineEdges[b] {
			return fmt.Errorf("%w: a mean lies outside its bin", ErrShape)
		}
	}
	if n := len(s.SumEnds); n > NumWide || n > 0 && s.SumEnds[n-1] != len(s.FineEdges) {
		return fmt.Errorf("%w: sum_ends has %d entries, at most %d are possible, and the last one is that of the last bin", ErrShape, n, NumWide)
	}
	for i, b := range s.SumEnds {
		if b < 0 || i > 0 && s.SumEnds[i-1] >= b {
			return fmt.Errorf("%w: sum_ends is not strictly ascending", ErrShape)
		}
	}
	scalars := [...]float64{s.Center, s.IQR, s.SD, s.Low, s.High}
	for _, v := range append(scalars[:], s.Means...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return ErrNotFinite
		}
	}
	if s.IQR < 0 || s.SD < 0 || s.Low > s.High {
		return fmt.Errorf("%w: iqr and sd must not be negative and low not above high", ErrShape)
	}
	return nil
}

func ascending(name string, v []float64) error {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%w: %s", ErrNotFinite, name)
		}
		if i > 0 && v[i-1] >= x {
			return fmt.Errorf("%w: %s is not strictly ascending", ErrShape, name)
		}
	}
	return nil
}

// gridVersion 2 says at its end which bins share a sum; version 1 does not, and is read as the grid that it was.
const gridVersion = 2

// MarshalBinary encodes the grid: a version byte, the sizes, every number as eight little-endian bytes, and the last bins of the groups.
func (g *Grid) MarshalBinary() ([]byte, error) {
	s := &g.spec
	out := []byte{gridVersion, byte(len(s.FineEdges)), byte(len(s.Cuts)), byte(len(s.Atoms))}
	out = binary.AppendUvarint(out, s.Records)
	for _, v := range [...]float64{s.Center, s.IQR, s.SD, s.Low, s.High} {
		out = appendFloat(out, v)
	}
	for _, list := range [...][]float64{s.FineEdges, s.Cuts, s.Atoms, s.Means} {
		for _, v := range list {
			out = appendFloat(out, v)
		}
	}
	out = append(out, byte(len(s.SumEnds)))
	for _, b := range s.SumEnds {
		out = append(out, byte(b))
	}
	return out, nil
}

// UnmarshalGrid decodes what MarshalBinary wrote and checks it. It never reads past a limit that the size of the
// input itself does not justify.
func UnmarshalGrid(data []byte) (*Grid, error) {
	d := decoder{buf: data}
	version := d.byte()
	if version != 1 && version != gridVersion {
		return nil, fmt.Errorf("read bins: version %d: %w", version, ErrCodec)
	}
	fine, cuts, atoms := int(d.byte()), int(d.byte()), int(d.byte())
	var s GridSpec
	s.Records = d.uvarint()
	for _, p := range [...]*float64{&s.Center, &s.IQR, &s.SD, &s.Low, &s.High} {
		*p = d.float()
	}
	s.FineEdges, s.Cuts, s.Atoms, s.Means = d.floats(fine), d.floats(cuts), d.floats(atoms), d.floats(fine+1)
	if version > 1 {
		for range d.byte() {
			s.SumEnds = append(s.SumEnds, int(d.byte()))
		}
	}
	if err := d.end(); err != nil {
		return nil, fmt.Errorf("read bins: %w", err)
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("read bins: %w", err)
	}
	g := &Grid{spec: s}
	g.derive()
	return g, nil
}
