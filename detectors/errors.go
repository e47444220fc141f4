package detectors

import "errors"

// The sentinel errors of this package. Callers wrap them with what was attempted.
var (
	// ErrEmpty: a reference or a sample holds no value.
	ErrEmpty = errors.New("detectors: no values")
	// ErrNotFinite: a NaN or an infinity where only finite numbers have a meaning; missing values are counted apart.
	ErrNotFinite = errors.New("detectors: a value is not finite")
	// ErrShape: two things that are to be merged or compared have different shapes (bins, registers, bands).
	ErrShape = errors.New("detectors: shapes differ")
	// ErrCodec: encoded bytes are truncated, of an unknown version, or contradict themselves.
	ErrCodec = errors.New("detectors: encoded state is damaged")
	// ErrOption: an option is outside its range.
	ErrOption = errors.New("detectors: option out of range")
)
