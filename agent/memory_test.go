package agent

import (
	"os"
	"testing"
)

func TestMemoryIsLimitedByTheContainerOrByUs(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no cgroup":         {nil, mostMemory},
		"version 2, none":   {map[string]string{cgroupLimits[0]: "max\n"}, mostMemory},
		"version 2, 200 MB": {map[string]string{cgroupLimits[0]: "200000000\n"}, 180000000},
		"version 1, none":   {map[string]string{cgroupLimits[1]: "9223372036854771712\n"}, mostMemory},
		"version 1, 200 MB": {map[string]string{cgroupLimits[1]: "200000000\n"}, 180000000},
		"nonsense":          {map[string]string{cgroupLimits[0]: "lots"}, mostMemory},
	} {
		got := memoryLimit(func(file string) ([]byte, error) {
			if text, ok := c.files[file]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		})
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
