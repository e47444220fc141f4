//go:build unix

package main

import (
	"os"
	"syscall"
)

// maxRSS is the largest resident set in bytes; Linux counts it in KiB.
func maxRSS(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}
