package agent

import (
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The Collector says which key of its configuration is wrong, but not where it stands. This file finds the place.

// source is one configuration file, or the built-in configuration.
type source struct {
	name   string
	root   *yaml.Node // nil when it is not a file
	syntax *Finding
}

func sourcesOf(uris []string) []source {
	if len(uris) == 0 {
		return []source{parseSource("built-in configuration", defaultConfig)}
	}
	var out []source
	for _, uri := range uris {
		data, err := os.ReadFile(strings.TrimPrefix(uri, "file:"))
		if err != nil {
			out = append(out, source{name: uri}) // another scheme, or the Collector says what is wrong with it
			continue
		}
		out = append(out, parseSource(strings.TrimPrefix(uri, "file:"), data))
	}
	return out
}

var yamlLine = regexp.MustCompile(`line (\d+): ?(.*)`)

func parseSource(name string, data []byte) source {
	var doc yaml.Node
	err := yaml.Unmarshal(data, &doc)
	if err == nil {
		s := source{name: name}
		if len(doc.Content) > 0 {
			s.root = doc.Content[0]
		}
		return s
	}
	f := &Finding{Kind: "config", File: name, Severity: Error, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(f.Message); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column, f.Message = 1, m[2]
	}
	return source{name: name, syntax: f}
}

var (
	sections    = `receivers|processors|exporters|connectors|extensions|service`
	validated   = regexp.MustCompile(`^((?:` + sections + `)(?:::[^:\s]+)*): (.*)$`)
	reading     = regexp.MustCompile(`^'(\w+)' error reading configuration for "([^"]+)":`)
	unknownType = regexp.MustCompile(`^'(\w+)' unknown type: "([^"]+)" for id: "([^"]+)"`)
	invalidKeys = regexp.MustCompile(`^'[^']*' has invalid keys: (.*)$`)
	ofField     = regexp.MustCompile(`^'([^']*)' (.*)$`)
	quotedKey   = regexp.MustCompile(`"(\w+)"`)
)

// placed splits an error of the Collector into findings and gives each its place.
func placed(text string, files []source) []Finding {
	var out []Finding
	var path []string // of the component that the text is about
	add := func(message string, path ...string) {
		f := Finding{Kind: "config", Severity: Error, Message: message}
		f.File, f.Line, f.Column = locate(files, path)
		out = append(out, f)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		line = strings.TrimPrefix(strings.TrimPrefix(line, "failed to get config: "), "cannot unmarshal the configuration: ")
		switch {
		case line == "" || strings.HasPrefix(line, "decoding failed due to the following error"):
		case reading.MatchString(line):
			m := reading.FindStringSubmatch(line)
			path = []string{m[1], m[2]}
		case unknownType.MatchString(line):
			m := unknownType.FindStringSubmatch(line)
			add("there is no "+strings.TrimSuffix(m[1], "s")+" of type "+m[2]+`; "plumbline components" lists what is compiled in`, m[1], m[3])
		case invalidKeys.MatchString(line):
			for key := range strings.SplitSeq(invalidKeys.FindStringSubmatch(line)[1], ", ") {
				add("unknown key "+key, append(path[:len(path):len(path)], key)...)
			}
		case validated.MatchString(line):
			m := validated.FindStringSubmatch(line)
			path = strings.Split(m[1], "::")
			add(m[2], withKey(path, m[2])...)
		case ofField.MatchString(line) && len(path) > 0:
			m := ofField.FindStringSubmatch(line)
			add(m[1]+": "+m[2], append(path[:len(path):len(path)], strings.Split(m[1], ".")...)...)
		default:
			add(line, withKey(path, line)...)
		}
	}
	return out
}

// withKey adds the first key that a message quotes, as our own components do.
func withKey(path []string, message string) []string {
	if m := quotedKey.FindStringSubmatch(message); m != nil {
		return append(path[:len(path):len(path)], m[1])
	}
	return path
}

// locate finds the file that goes furthest along path, the last one of equals, because it is laid over the others.
func locate(files []source, path []string) (file string, line, column int) {
	best := -1
	for _, f := range files {
		depth, node := 0, f.root
		l, c := 0, 0
		for node != nil && depth < len(path) {
			key, value := childOf(node, path[depth])
			if key == nil {
				break
			}
			l, c, node = key.Line, key.Column, value
			depth++
		}
		if depth >= best {
			best, file, line, column = depth, f.name, l, c
		}
	}
	return file, line, column
}

func childOf(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
