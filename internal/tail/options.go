package tail

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// StartAt says where a file begins that already exists at the very first start.
type StartAt int

// Beginning is the default; files that appear later are always read from their beginning.
const (
	Beginning StartAt = iota
	End
)

// Options of a Tailer. Include is required; every other field has a useful zero value.
type Options struct {
	Include, Exclude []string      // globs: *, ?, [a-z], {a,b} and ** for any number of folders; absolute or relative to Dir
	Dir              string        // what relative globs start from; empty means the working directory
	Roots            []string      // a file is read only when its real path lies in one of these; empty means the literal prefixes of Include
	PollInterval     time.Duration // how often files are looked at where there are no notifications; 0 means 250 ms
	MaxLineBytes     int           // longer lines are counted and skipped; 0 means 1 MiB
	MaxFiles         int           // files followed at a time; 0 means 10,000
	MaxOpenFiles     int           // descriptors open at a time; 0 means 512
	ChunkBytes       int           // most bytes of one chunk, except that one line may be longer; 0 means 256 KiB
	StartAt          StartAt       // for files that exist at the very first start (State is nil)
	State            []byte        // from an earlier State(); nil means a first start
	Logger           *slog.Logger  // nil discards

	watch func() (watcher, error) // tests put a failing one here; nil means the system's
}

var (
	errNoInclude = errors.New("no include pattern")
	errNegative  = errors.New("must not be negative")
)

// complete checks what the user wrote and fills in the defaults.
func (o *Options) complete() error {
	if len(o.Include) == 0 {
		return errNoInclude
	}
	for _, f := range []struct {
		name  string
		value *int
		zero  int
	}{
		{"MaxLineBytes", &o.MaxLineBytes, 1 << 20},
		{"MaxFiles", &o.MaxFiles, 10_000},
		{"MaxOpenFiles", &o.MaxOpenFiles, 512},
		{"ChunkBytes", &o.ChunkBytes, 256 << 10},
	} {
		if *f.value < 0 {
			return fmt.Errorf("%s %d %w", f.name, *f.value, errNegative)
		}
		if *f.value == 0 {
			*f.value = f.zero
		}
	}
	if o.PollInterval < 0 {
		return fmt.Errorf("PollInterval %v %w", o.PollInterval, errNegative)
	}
	if o.PollInterval == 0 {
		o.PollInterval = 250 * time.Millisecond
	}
	o.MaxOpenFiles = max(o.MaxOpenFiles, 8)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	return nil
}

// kubernetesLinks is where the kubelet keeps symbolic links to the logs; their targets are in the folders after it.
const kubernetesLinks = "/var/log/containers"

var kubernetesTargets = []string{"/var/log/pods", "/var/lib/docker/containers"}

// roots resolves the folders that files must lie in. A root that does not exist yet is kept as it is written.
func (o *Options) roots(include []*pattern) []string {
	roots := slices.Clone(o.Roots)
	if len(roots) == 0 {
		for _, p := range include {
			roots = append(roots, p.prefix)
			if p.prefix == kubernetesLinks {
				roots = append(roots, kubernetesTargets...)
			}
		}
	}
	for i, r := range roots {
		if !filepath.IsAbs(r) {
			r = filepath.Join(o.Dir, r)
		}
		roots[i] = realPath(filepath.Clean(r))
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}

// realPath resolves symbolic links as far as the path exists.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return filepath.Join(realPath(parent), filepath.Base(path))
}

// within says whether the real path lies in one of the roots.
func within(roots []string, real string) bool {
	for _, r := range roots {
		if rest, ok := strings.CutPrefix(real, r); ok && (rest == "" || rest[0] == os.PathSeparator || r == "/") {
			return true
		}
	}
	return false
}
