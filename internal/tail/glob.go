package tail

import (
	"fmt"
	"path/filepath"
	"strings"
)

// anyDepth is the component that stands for any number of folders, none included.
const anyDepth = "**"

// pattern is one compiled glob: an absolute path cut into components.
type pattern struct {
	text   string
	prefix string   // the folder before the first component with a wildcard
	parts  []string // the components below prefix; never empty
}

// maxAlternatives bounds what braces may expand to.
const maxAlternatives = 256

// compile turns a glob into patterns, one for each way to choose from its braces.
func compile(dir, glob string) ([]*pattern, error) {
	texts, err := expand(glob)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", glob, err)
	}
	patterns := make([]*pattern, 0, len(texts))
	for _, text := range texts {
		if !filepath.IsAbs(text) {
			text = filepath.Join(escape(dir), text)
		}
		text = filepath.Clean(text)
		if text == "/" {
			return nil, fmt.Errorf("pattern %q: names a folder, want files, for example %s", glob, filepath.Join(glob, "*.log"))
		}
		parts := strings.Split(strings.TrimPrefix(text, "/"), "/")
		literal := 0
		for i, part := range parts {
			if _, err := filepath.Match(part, ""); err != nil {
				return nil, fmt.Errorf("pattern %q: %q: %w", glob, part, err)
			}
			if literal == i && i < len(parts)-1 && !strings.ContainsAny(part, `*?[\`) {
				literal++
			}
		}
		patterns = append(patterns, &pattern{
			text:   text,
			prefix: "/" + strings.Join(parts[:literal], "/"),
			parts:  parts[literal:],
		})
	}
	return patterns, nil
}

func compileAll(dir string, globs []string) ([]*pattern, error) {
	var all []*pattern
	for _, glob := range globs {
		p, err := compile(dir, glob)
		if err != nil {
			return nil, err
		}
		all = append(all, p...)
	}
	return all, nil
}

// escape protects what a folder's own name has in common with globs.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// expand replaces {a,b} by its alternatives; braces may nest and a backslash takes a brace as it is.
func expand(glob string) ([]string, error) {
	open, depth := -1, 0
	var commas []int
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '\\':
			i++
		case '{':
			if depth == 0 {
				open = i
			}
			depth++
		case ',':
			if depth == 1 {
				commas = append(commas, i)
			}
		case '}':
			if depth == 0 {
				return nil, fmt.Errorf("} at %d without {", i+1)
			}
			if depth--; depth > 0 {
				continue
			}
			var all []string
			from := open + 1
			for _, to := range append(commas, i) {
				texts, err := expand(glob[:open] + glob[from:to] + glob[i+1:])
				if err != nil {
					return nil, err
				}
				if all = append(all, texts...); len(all) > maxAlternatives {
					return nil, fmt.Errorf("more than %d alternatives", maxAlternatives)
				}
				from = to + 1
			}
			return all, nil
		}
	}
	if depth > 0 {
		return nil, fmt.Errorf("{ at %d without }", open+1)
	}
	return []string{glob}, nil
}

// matches says whether the absolute path is one that the pattern names.
func (p *pattern) matches(path string) bool {
	rest, ok := strings.CutPrefix(path, p.prefix)
	if !ok || p.prefix != "/" && (rest == "" || rest[0] != '/') {
		return false
	}
	return matchParts(p.parts, strings.TrimPrefix(rest, "/"))
}

func matchParts(parts []string, path string) bool {
	for i, part := range parts {
		if part == anyDepth {
			if i == len(parts)-1 {
				return path != ""
			}
			for {
				if matchParts(parts[i+1:], path) {
					return true
				}
				cut := strings.IndexByte(path, '/')
				if cut < 0 {
					return false
				}
				path = path[cut+1:]
			}
		}
		name, rest, more := strings.Cut(path, "/")
		if !matchName(part, name) || more == (i == len(parts)-1) {
			return false
		}
		path = rest
	}
	return path == ""
}

// matchName matches one component; the pattern is known to be well-formed.
func matchName(part, name string) bool {
	ok, err := filepath.Match(part, name)
	return ok && err == nil && name != ""
}

// Match says whether path is one that the glob names, as Options.Include means it. A relative glob or path starts
// from the working directory. A malformed glob matches nothing; New refuses it with a reason.
func Match(glob, path string) bool {
	if !filepath.IsAbs(path) {
		abs, err := filepath.Abs(path)
		if err != nil {
			return false
		}
		path = abs
	}
	dir := "/"
	if !filepath.IsAbs(glob) {
		abs, err := filepath.Abs(".")
		if err != nil {
			return false
		}
		dir = abs
	}
	patterns, err := compile(dir, glob)
	if err != nil {
		return false
	}
	return matchAny(patterns, filepath.Clean(path))
}

func matchAny(patterns []*pattern, path string) bool {
	for _, p := range patterns {
		if p.matches(path) {
			return true
		}
	}
	return false
}
