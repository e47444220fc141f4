package parse

import "time"

// Defaults of FormatOptions.
const (
	DefaultMaxFields    = 512
	DefaultMaxDepth     = 64
	DefaultMaxKeys      = 4096
	DefaultMaxVector    = 512
	DefaultMaxLineBytes = 1 << 20
	DefaultMaxValue     = 64 << 10
	DefaultMaxPattern   = 4096
	DefaultMaxPending   = 64
	DefaultMaxJoins     = 1024
	DefaultMaxJoinBytes = 4 << 20
)

const (
	// maxKnownKeys bounds the names remembered for prediction at one object level when no field asks for them;
	// a plan remembers eight times as many.
	maxKnownKeys = 512
	// maxShadows bounds the objects that nobody asked for whose keys are predicted too.
	maxShadows = 256
	// maxKeyBytes is the longest key that is remembered, or that a wildcard makes a slot for.
	maxKeyBytes = 128
	// maxPatternOps caps what a user's regular expression may compile to: RE2 is linear in the line, and in this.
	maxPatternOps = 10000
	// maxNumberBytes is the longest number that is rounded to a float64.
	maxNumberBytes = 4096
	// maxPieces bounds the pieces of one container line.
	maxPieces = 4096
	// keepScratch is the largest scratch memory that is kept from one line to the next.
	keepScratch = 1 << 20
)

// FormatOptions are the limits and the details of a format. The zero value means the defaults.
type FormatOptions struct {
	MaxFields    int            // slots that wildcards may create; 0 = 512
	MaxDepth     int            // nesting of JSON; 0 = 64, at most 1000
	MaxKeys      int            // keys and array elements of one line; 0 = 4096
	MaxVector    int            // elements of one array that are looked at; 0 = 512, at most 4096
	MaxValue     int            // bytes of one text as it is written; a longer one is Invalid; 0 = 64 KiB
	MaxLineBytes int            // bytes of one record joined from container pieces; 0 = 1 MiB
	MaxPending   int            // first halves of pairs that wait for their second; 0 = 64, with Join 1024
	MaxJoinBytes int            // bytes of lines that wait for a join; 0 = 4 MiB
	MaxPattern   int            // bytes of a regular expression; 0 = 4096
	Location     *time.Location // of times that carry no zone; nil = UTC
	Year         int            // of times that carry no year (syslog, vLLM, glog); 0 = the container's time or Parser.Arrived tells, else no event time
	Delimiter    byte           // of csv; 0 = ',' (tab for tsv)
	Columns      []string       // of csv without a header line; nil = the first line of each source is the header
	Pattern      string         // of format regex: RE2 with named groups
	Join         string         // of json: path of the key that request and response, logged as two lines, share; empty = a line is a record
}

func (o FormatOptions) withDefaults() FormatOptions {
	pending := DefaultMaxPending
	if o.Join != "" {
		pending = DefaultMaxJoins
	}
	for _, l := range []struct {
		limit    *int
		standard int
	}{
		{&o.MaxFields, DefaultMaxFields}, {&o.MaxDepth, DefaultMaxDepth}, {&o.MaxKeys, DefaultMaxKeys}, {&o.MaxVector, DefaultMaxVector},
		{&o.MaxValue, DefaultMaxValue}, {&o.MaxLineBytes, DefaultMaxLineBytes}, {&o.MaxPending, pending}, {&o.MaxJoinBytes, DefaultMaxJoinBytes},
		{&o.MaxPattern, DefaultMaxPattern},
	} {
		if *l.limit <= 0 {
			*l.limit = l.standard
		}
	}
	o.MaxDepth, o.MaxVector = min(o.MaxDepth, 1000), min(o.MaxVector, maxArrayIndex)
	if o.Location == nil {
		o.Location = time.UTC
	}
	return o
}

// Field is one value that a model asks for.
type Field struct {
	// Path names the value: keys separated by dots, array elements by index ("a.0.b"); a dot inside a key is
	// written "\.". A path that ends in ".*" (or is "*") is a wildcard: everything found below it.
	Path string
	// Numeric says that numbers may arrive as strings ("4.9", as NumPy scalars do) and are wanted as Number.
	Numeric bool
	// Context says that the field does not make a line a record: a version that a logger adds to every line. A
	// line in which nothing but context and the event time is found is Ignored.
	Context bool
	// Time says that the value is a time. The first Time field of a plan is the record's event time; every
	// Time field has Unix seconds in Value.Num.
	Time bool
	// Layout of a Time field: empty = recognised by itself; a name (rfc3339, unix, epoch_s, epoch_ms,
	// epoch_us, epoch_ns, ctime, syslog, glog); or a Go reference layout (20060102T150405).
	Layout string
	// Pattern is a regular expression with one group, applied to the text first.
	Pattern string
}

// Slot is one place of Record.Values.
type Slot struct {
	Path     string
	Wildcard int // index of the wildcard field that it came from; -1 if it was asked for by name
}
