package rules

import (
	"embed"
	"fmt"
	"path"
)

//go:embed packs/*.yaml
var packFS embed.FS

// builtin marks the name of a pack that is compiled in.
const builtin = "builtin:"

// peersGroup is the group of the shipped packs that compares nodes.
const peersGroup = "plumbline-peers"

// packFiles reads the shipped packs.
func packFiles() ([]ruleFile, error) {
	entries, err := packFS.ReadDir("packs")
	if err != nil {
		return nil, fmt.Errorf("read built-in packs: %w", err)
	}
	var out []ruleFile
	for _, e := range entries {
		data, err := packFS.ReadFile(path.Join("packs", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read built-in pack: %w", err)
		}
		out = append(out, ruleFile{name: builtin + e.Name(), data: data})
	}
	return out, nil
}
