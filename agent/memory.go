package agent

import (
	"os"
	"strconv"
	"strings"
)

// mostMemory is what an agent takes where nothing else limits it. It is far above what it needs.
const mostMemory = 512 << 20

// cgroupLimits are where the kernel says what this process may have: version 2, then version 1. Inside a container
// they are the container's own.
var cgroupLimits = [...]string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// memoryLimit is what the memory_limiter of the built-in configuration goes by: nine tenths of the container's limit,
// and no more than mostMemory. read is os.ReadFile.
func memoryLimit(read func(string) ([]byte, error)) int64 {
	limit := int64(mostMemory)
	for _, file := range cgroupLimits {
		data, err := read(file)
		if err != nil {
			continue
		}
		// "max" means that there is none, and so does the huge number of version 1.
		if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n/10*9)
		}
		break
	}
	return limit
}

func systemMemoryLimit() int64 { return memoryLimit(os.ReadFile) }
