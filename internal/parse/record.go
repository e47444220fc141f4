package parse

// Kind says what stood in the place of a field.
type Kind uint8

const (
	Absent    Kind = iota // the field is not in the record
	Null                  // JSON null
	Empty                 // the empty string
	Number                // Num is finite
	NaN                   // not a number, as Python writes it
	PosInf                // Infinity
	NegInf                // -Infinity
	Bool                  // Num is 0 or 1
	String                // Str is decoded text
	Composite             // an object or an array where one value was asked for
	Invalid               // a value that cannot be represented: 1e400, a time that is none, a text beyond MaxValue
	NumKinds  = iota
)

var kindNames = [NumKinds]string{"absent", "null", "empty", "number", "nan", "posinf", "neginf", "bool", "string", "composite", "invalid"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Value is one field of one record.
//
// Num is set for Number and Bool, and for a Time field, where it is Unix seconds. Str is the text: decoded
// for String, as it was written for Number, NaN, PosInf, NegInf and Bool (so that a class written as 1 can
// be counted by name), nil for the other kinds.
type Value struct {
	Kind Kind
	Num  float64
	Str  []byte
}

// HeldRange is a raw line that an earlier call of Line answered with Pending.
type HeldRange struct {
	Offset int64
	Length int
}

// Record is what came out of one line, or of several lines that belong together. One Record is used for
// many lines; the zero value is ready.
type Record struct {
	// Values has one entry for each slot of the plan, in the order of Plan.Slots.
	Values []Value
	// Time is the event time in Unix nanoseconds, from the first Time field of the plan; 0 = none.
	Time int64
	// WrapperTime is the time that the container runtime wrote, in Unix nanoseconds; 0 = no wrapper.
	WrapperTime int64
	// Held lists the earlier lines of this source that this result used up, whatever its status is. The
	// caller releases them.
	Held []HeldRange

	touched []int32 // slots that may differ from Absent
	plan    *Plan
}

// reset makes every slot Absent. Only the slots that the previous line filled are visited.
func (r *Record) reset(p *Plan) {
	r.Time = 0
	if r.plan != p {
		r.plan = p
		clear(r.Values)
		r.Values = r.Values[:0]
		r.touched = r.touched[:0]
	}
	for _, slot := range r.touched {
		r.Values[slot] = Value{}
	}
	r.touched = r.touched[:0]
	if len(r.Values) != len(p.slots) {
		r.resize(len(p.slots))
	}
}

func (r *Record) resize(n int) {
	if n <= cap(r.Values) {
		old := len(r.Values)
		r.Values = r.Values[:n]
		clear(r.Values[min(old, n):])
		return
	}
	grown := make([]Value, n, n+n/2+8)
	copy(grown, r.Values)
	r.Values = grown
}

// Status says what Line made of a line.
type Status uint8

const (
	Complete Status = iota // the record is filled
	Pending                // the line is part of a longer record: hold it
	Ignored                // well formed, but not a prediction
	Bad                    // could not be read; see Reason
)

func (s Status) String() string {
	switch s {
	case Complete:
		return "complete"
	case Pending:
		return "pending"
	case Ignored:
		return "ignored"
	case Bad:
		return "bad"
	}
	return "unknown"
}

// Reason is why a line is Bad, or what was wrong with one value of a Complete record. The set is closed.
type Reason uint8

const (
	None         Reason = iota
	NotJSON             // not JSON where JSON was expected
	Truncated           // the line ends inside a value
	Depth               // nested deeper than MaxDepth
	Keys                // more keys than MaxKeys
	Oversize            // joined pieces are longer than MaxLineBytes; of a good line: a text is longer than MaxValue and Invalid
	BadNumber           // a number that float64 cannot hold; that value is Invalid, the record stays
	BadTime             // an event time that is none or outside 1990..2200; the record stays without time
	WrongColumns        // a CSV line with another number of columns than its header
	NoHeader            // a CSV line before any header
	NoMatch             // a line that the pattern does not match
	Orphan              // a line whose other half was given up
	Unsupported         // well formed, but a shape or an encoding that the format does not cover
	Ambiguous           // two places in the line look like the result: somebody may have planted one
	NumReasons   = iota
)

var reasonNames = [NumReasons]string{"", "not_json", "truncated", "depth", "keys", "oversize", "bad_number", "bad_time",
	"wrong_columns", "no_header", "no_match", "orphan", "unsupported", "ambiguous"}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown"
}

// Reasons returns every reason's name except the empty one, so that counters can be created at start.
func Reasons() []string { return append([]string(nil), reasonNames[1:]...) }

// Result is the answer of Line.
//
// A Complete result can carry a Reason: the record counts, and one of its values was unreadable (BadNumber,
// BadTime). More says that the same line holds further records: call Parser.Next until it is false.
type Result struct {
	Status Status
	Reason Reason
	More   bool
}
