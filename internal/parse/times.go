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

// clock reads hh:mm[:ss[.fraction]] at i into c and returns the position behind it, or -1.
func (c *civil) clock(b []byte, i int) int {
	c.hour, c.min = two(b, i), two(b, i+3)
	if c.hour < 0 || c.min < 0 || b[i+2] != ':' {
		return -1
	}
	i += 5
	if i >= len(b) || b[i] != ':' {
		return i
	}
	if c.sec = two(b, i+1); c.sec < 0 {
		return -1
	}
	return c.fraction(b, i+3)
}

// fraction reads an optional fraction of a second behind a point or a comma.
func (c *civil) fraction(b []byte, i int) int {
	if i+1 >= len(b) || b[i] != '.' && b[i] != ',' || b[i+1]-'0' > 9 {
		return i
	}
	unit := 100_000_000
	for i++; i < len(b) && b[i]-'0' <= 9; i++ {
		c.nsec += int(b[i]-'0') * unit
		unit /= 10
	}
	return i
}

// zone reads an optional zone: Z, +hh:mm, +hhmm, +hh, UTC, GMT.
func (c *civil) zone(b []byte, i int) int {
	if i+3 < len(b) && b[i] == ' ' {
		// Behind a space only what cannot be anything else: the next field of a line may begin with a dash.
		signed := (b[i+1] == '+' || b[i+1] == '-') && two(b, i+2) >= 0
		if !signed && string(b[i+1:i+4]) != "UTC" && string(b[i+1:i+4]) != "GMT" {
			return i
		}
		i++
	}
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case 'Z', 'z':
		c.zoned = true
		return i + 1
	case 'U', 'G':
		if i+3 <= len(b) && (string(b[i:i+3]) == "UTC" || string(b[i:i+3]) == "GMT") {
			c.zoned = true
			return i + 3
		}
		return -1
	case '+', '-':
		hours, minutes, end := two(b, i+1), 0, i+3
		if hours < 0 || hours > 23 {
			return -1
		}
		if end < len(b) && b[end] == ':' {
			minutes, end = two(b, end+1), end+3
		} else if end < len(b) {
			minutes, end = two(b, end), end+2
		}
		if minutes < 0 || minutes > 59 {
			return -1
		}
		c.zoned, c.offset = true, hours*3600+minutes*60
		if b[i] == '-' {
			c.offset = -c.offset
		}
		return end
	}
	return i
}

// iso reads a date, and a time and a zone if they are there: RFC 3339, ISO 8601 without zone, with a space in
// place of the T, with a comma in place of the point; or 20060102T150405. It returns the position behind.
func (c *civil) iso(b []byte, i int) int {
	c.year = four(b, i)
	if c.year < 0 || i+8 > len(b) {
		return -1
	}
	if b[i+4] == '-' || b[i+4] == '/' {
		c.month, c.day = two(b, i+5), two(b, i+8)
		if c.month < 0 || c.day < 0 || b[i+7] != b[i+4] {
			return -1
		}
		i += 10
	} else {
		c.month, c.day = two(b, i+4), two(b, i+6)
		if c.month < 0 || c.day < 0 {
			return -1
		}
		i += 8
		if i+7 <= len(b) && b[i] == 'T' && b[i+3] != ':' {
			c.hour, c.min, c.sec = two(b, i+1), two(b, i+3), two(b, i+5)
			if c.hour < 0 || c.min < 0 || c.sec < 0 {
				return -1
			}
			return c.zone(b, c.fraction(b, i+7))
		}
	}
	if i+5 < len(b) && (b[i] == 'T' || b[i] == 't' || b[i] == ' ' || b[i] == '_') && b[i+1]-'0' <= 9 {
		if i = c.clock(b, i+1); i < 0 {
			return -1
		}
		return c.zone(b, i)
	}
	return i
}

// monthDay reads "Nov 23 00:40:07[.fraction]", with a day of one or two digits.
func (c *civil) monthDay(b []byte, i int) int {
	if c.month = monthAt(b, i); c.month < 0 || i+6 >= len(b) || b[i+3] != ' ' {
		return -1
	}
	i += 4
	if b[i] == ' ' {
		i++
	}
	if b[i]-'0' > 9 {
		return -1
	}
	c.day = int(b[i] - '0')
	i++
	if i < len(b) && b[i]-'0' <= 9 {
		c.day = c.day*10 + int(b[i]-'0')
		i++
	}
	if i >= len(b) || b[i] != ' ' {
		return -1
	}
	return c.clock(b, i+1)
}

// ctime reads "Mon Nov 23 00:40:07 2026".
func (c *civil) ctime(b []byte, i int) int {
	if i+4 > len(b) || b[i+3] != ' ' {
		return -1
	}
	if i = c.monthDay(b, i+4); i < 0 || i+5 > len(b) || b[i] != ' ' {
		return -1
	}
	if c.year = four(b, i+1); c.year < 0 {
		return -1
	}
	return i + 5
}

// rfc1123 reads "Mon, 23 Nov 2026 00:40:07 +0000", and the same without the day of the week.
func (c *civil) rfc1123(b []byte, i int) int {
	if i+5 <= len(b) && b[i+3] == ',' {
		i += 5
	}
	if i+2 > len(b) || b[i]-'0' > 9 {
		return -1
	}
	c.day = int(b[i] - '0')
	if i++; b[i]-'0' <= 9 {
		c.day = c.day*10 + int(b[i]-'0')
		i++
	}
	if i+10 > len(b) || b[i] != ' ' && b[i] != '/' && b[i] != '-' {
		return -1
	}
	c.month, c.year = monthAt(b, i+1), four(b, i+5)
	if c.month < 0 || c.year < 0 {
		return -1
	}
	if i = c.clock(b, i+10); i < 0 { // behind a space, or a colon as in web servers' logs
		return -1
	}
	return c.zone(b, i)
}

// yearMonth returns the UTC year and month of a time.
func yearMonth(ns int64) (year, month int) {
	t := time.Unix(0, ns).UTC()
	return t.Year(), int(t.Month())
}
