package parse

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
