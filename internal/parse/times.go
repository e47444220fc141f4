package parse

import "time"

// Times outside these years are taken for mistakes: an unset field, a wrong unit.
const (
	minTime = 631_152_000 * int64(time.Second)   // 1990-01-01
	maxTime = 7_258_118_400 * int64(time.Second) // 2200-01-01
)

func plausible(ns int64) bool { return ns >= minTime && ns < maxTime }

// epoch returns Unix nanoseconds for a number whose unit its size tells: 1e11 seconds is the year 5138, the
// same number of milliseconds is 1973.
func epoch(x float64) (int64, bool) {
	switch {
	case x < 0 || x != x:
		return 0, false
	case x < 1e11:
		return scaled(x, 1e9)
	case x < 1e14:
		return scaled(x, 1e6)
	case x < 1e17:
		return scaled(x, 1e3)
	}
	return scaled(x, 1)
}

// scaled multiplies by the unit. Whole part and fraction are converted apart: a float64 of nanoseconds has
// no room for them.
func scaled(x, unit float64) (int64, bool) {
	if !(x >= 0 && x*unit < float64(maxTime)) {
		return 0, false
	}
	whole := int64(x)
	ns := whole*int64(unit) + int64((x-float64(whole))*unit+0.5)
	return ns, plausible(ns)
}

// epochText reads an epoch that is written with digits only, exactly, or with a fraction.
func epochText(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 32 {
		return 0, false
	}
	var whole int64
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if i >= 19 {
			return 0, false
		}
		whole = whole*10 + int64(b[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	unit := int64(1e9)
	switch {
	case whole >= 1e17:
		unit = 1
	case whole >= 1e14:
		unit = 1e3
	case whole >= 1e11:
		unit = 1e6
	}
	if i == len(b) {
		return epochParts(whole, 0, unit)
	}
	if b[i] != '.' {
		x, ok := looseFloat(b)
		if !ok {
			return 0, false
		}
		return epoch(x)
	}
	var part int64
	for i++; i < len(b); i++ {
		if b[i]-'0' > 9 {
			x, ok := looseFloat(b)
			if !ok {
				return 0, false
			}
			return epoch(x)
		}
		if unit > 1 {
			unit /= 10
			part += int64(b[i]-'0') * unit
		}
	}
	unit = int64(1e9)
	switch {
	case whole >= 1e17:
		unit = 1
	case whole >= 1e14:
		unit = 1e3
	case whole >= 1e11:
		unit = 1e6
	}
	return epochParts(whole, part, unit)
}

func epochParts(whole, part, unit int64) (int64, bool) {
	if whole > maxTime/unit {
		return 0, false
	}
	ns := whole*unit + part
	return ns, plausible(ns)
}

// civil holds the parts of a date and time as they were read.
type civil struct {
	year, month, day, hour, min, sec int
	nsec                             int
	zoned                            bool
	offset                           int // seconds east of UTC, if zoned
}

// unix converts to Unix nanoseconds; loc is for times without zone.
func (c *civil) unix(loc *time.Location) (int64, bool) {
	if c.year < 1990 || c.year > 2200 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > daysIn(c.year, c.month) ||
		c.hour > 23 || c.min > 59 || c.sec > 60 {
		return 0, false
	}
	if !c.zoned && loc != time.UTC {
		ns := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.min, c.sec, c.nsec, loc).UnixNano()
		return ns, plausible(ns)
	}
	seconds := int64(daysSinceEpoch(c.year, c.month, c.day))*86400 + int64(c.hour*3600+c.min*60+c.sec-c.offset)
	ns := seconds*1e9 + int64(c.nsec)
	return ns, plausible(ns)
}

// daysSinceEpoch counts days from 1970-01-01 in the Gregorian calendar: years are taken to begin in March,
// so that the leap day is the last of its year.
func daysSinceEpoch(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return year*365 + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// two reads two digits at i, or returns -1.
func two(b []byte, i int) int {
	if i+2 > len(b) || b[i]-'0' > 9 || b[i+1]-'0' > 9 {
		return -1
	}
	return int(b[i]-'0')*10 + int(b[i+1]-'0')
}

func four(b []byte, i int) int {
	hi, lo := two(b, i), two(b, i+2)
	if hi < 0 || lo < 0 {
		return -1
	}
	return hi*100 + lo
}

var monthNames = [13]string{"", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// monthAt returns the number of the month whose English abbreviation stands at i, or -1.
func monthAt(b []byte, i int) int {
	if i+3 > len(b) {
		return -1
	}
	for m := 1; m <= 12; m++ {
		if string(b[i:i+3]) == monthNames[m] {
			return m
		}
	}
	return -1
}

// yearMonth returns the UTC year and month of a time.
func yearMonth(ns int64) (year, month int) {
	t := time.Unix(0, ns).UTC()
	return t.Year(), int(t.Month())
}
