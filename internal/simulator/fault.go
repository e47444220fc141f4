package simulator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Fault is what is wrong with one feature. The zero value is a healthy one. Faults draw their own random numbers, so a record with a
// fault differs from the same record without it in nothing but the fault.
type Fault struct {
	Null    float64 // share of records in which the value is null
	NaN     float64 // share of records in which it is not a number, as Python writes it
	Absent  float64 // share of records without the key
	Frozen  bool    // every record carries the value that the first record under the fault had
	Turns   int     // every record carries one of the first so many values under the fault, in turn
	Held    bool    // every sender's records carry the value that its first record under the fault had
	Factor  float64 // what numbers are multiplied by; 0 means 1
	Unseen  float64 // share of records with one of five categories that do not occur otherwise
	Unique  float64 // share of records with a category that no other record has
	Beyond  float64 // share of records with a number that is one to two thousand higher, above all that occur otherwise
	Default float64 // share of records with Value in the place of the value
	Value   float64 // of Default
	Text    float64 // share of records with a text in the place of a number
	Gone    string  // a category that the most frequent one takes the place of
	Replica int     // the one replica that has the fault, from 1 on; 0 means all of them
}

// broken is a fault that a feature has now.
type broken struct {
	Fault
	frozen []byte         // the value that is repeated
	turns  [][]byte       // the values that are
	turn   int            // the next of them
	held   map[int][]byte // by sender
	unique int            // categories that were made up
}

// Features lists the names of the features of a record.
func Features() []string {
	names := make([]string, len(features))
	for i := range features {
		names[i] = features[i].name
	}
	return names
}

// SetFault breaks a feature from the next record on; the zero Fault heals it.
func (s *Simulator) SetFault(name string, f Fault) error {
	i := slices.IndexFunc(features, func(x feature) bool { return x.name == name })
	switch {
	case i < 0:
		return fmt.Errorf("the simulated classifier has no feature %q: want one of %s", name, strings.Join(Features(), ", "))
	case (f.Unseen > 0 || f.Unique > 0) && features[i].category == nil:
		return fmt.Errorf("feature %q is a number; only a category can be new", name)
	case (f.Default > 0 || f.Text > 0 || f.NaN > 0 || f.Beyond > 0) && features[i].category != nil:
		return fmt.Errorf("feature %q is a category; only a number has a default or a range, or can become text or NaN", name)
	case f.Held && s.opts.Senders == 0:
		return fmt.Errorf("feature %q: records do not name senders", name)
	case f.Gone != "" && !slices.Contains(features[i].category, f.Gone):
		return fmt.Errorf("feature %q has no category %q", name, f.Gone)
	case f.Factor != 0 && features[i].category != nil:
		return fmt.Errorf("feature %q is a category; only a number has a unit", name)
	}
	if s.broken == nil {
		s.broken = make([]*broken, len(features))
	}
	s.needTrouble()
	s.broken[i] = nil
	if f != (Fault{}) {
		s.broken[i] = &broken{Fault: f}
	}
	return nil
}

// SetRate changes the mean number of requests per second; 0 is silence.
func (s *Simulator) SetRate(perSecond float64) { s.opts.Rate = perSecond }

// WithholdSpam makes the classifier call nothing spam any more, whatever the mail is.
func (s *Simulator) WithholdSpam(on bool) { s.withheld = on }

// Overcall makes the classifier call so large a share of all ham spam; the mail stays what it is.
func (s *Simulator) Overcall(share float64) { s.OvercallIn(0, share) }

// OvercallIn is Overcall for the mail of one tenant, from 1 on; 0 means all of them.
func (s *Simulator) OvercallIn(tenant int, share float64) {
	s.needTrouble()
	s.overcall, s.overcallIn = share, tenant
}

// Turn makes people think otherwise of so large a share of the spam: the mail and what the classifier says of it stay what they are.
func (s *Simulator) Turn(share float64) {
	s.needTrouble()
	s.turned = share
}

// AddField adds a feature that was not there before, arc, or takes it away again.
func (s *Simulator) AddField(on bool) {
	s.needTrouble()
	s.extra = on
}

func (s *Simulator) needTrouble() {
	if s.trouble == nil {
		s.trouble = rand.New(rand.NewPCG(s.opts.Seed, 0x6661756c74))
	}
}

// spoil gives the value of a broken feature, or false when the record lacks the feature. value is what it would have been.
func (s *Simulator) spoil(b *broken, f *feature, value []byte, number float64, replica int) ([]byte, bool) {
	if b.Replica > 0 && b.Replica != replica {
		return value, true
	}
	if b.Frozen {
		if b.frozen == nil {
			b.frozen = slices.Clone(value)
		}
		value = append(value[:0], b.frozen...)
	}
	switch {
	case b.Turns > len(b.turns):
		b.turns = append(b.turns, slices.Clone(value))
	case b.Turns > 0:
		value = append(value[:0], b.turns[b.turn]...)
		b.turn = (b.turn + 1) % b.Turns
	case b.Held && b.held[s.sender] == nil:
		if b.held == nil {
			b.held = map[int][]byte{}
		}
		b.held[s.sender] = slices.Clone(value)
	case b.Held:
		value = append(value[:0], b.held[s.sender]...)
	}
	if b.Factor != 0 && !b.Frozen {
		value = strconv.AppendFloat(value[:0], roundTo(number*b.Factor, f.digits), 'g', -1, 64)
	}
	if b.Gone != "" && string(value) == strconv.Quote(b.Gone) {
		value = strconv.AppendQuote(value[:0], f.category[0])
	}
	u := s.trouble.Float64()
	switch {
	case u < b.Default:
		return strconv.AppendFloat(value[:0], b.Value, 'f', -1, 64), true
	case u < b.Beyond:
		return strconv.AppendFloat(value[:0], roundTo(number+1000*(1+s.trouble.Float64()), f.digits), 'f', -1, 64), true
	case u < b.Unique:
		b.unique++
		return fmt.Appendf(value[:0], `"x%d"`, b.unique), true
	case u < b.NaN:
		return append(value[:0], "NaN"...), true
	case u < b.Text:
		return append(value[:0], `"high"`...), true
	case u < b.Absent:
		return nil, false
	case u < b.Absent+b.Null:
		return append(value[:0], "null"...), true
	case u < b.Absent+b.Null+b.Unseen:
		return fmt.Appendf(value[:0], `"new%d"`, s.trouble.IntN(5)+1), true
	}
	return value, true
}

func roundTo(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}
