package parse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// regexReader reads lines with a user's RE2 expression; its named groups are the fields. It is the one format
// that allocates for each line: the regexp package returns positions in new memory.
type regexReader struct {
	re    *regexp.Regexp
	nodes []*node // by group; nil = unnamed or not asked for
}

func prepareRegex(p *Plan) error {
	if p.opts.Pattern == "" {
		return fmt.Errorf(`the pattern is empty: write an expression with named groups, such as ^(?P<ts>\S+) score=(?P<score>\S+)`)
	}
	re, err := compilePattern(p.opts.Pattern, p.opts.MaxPattern)
	if err != nil {
		return err
	}
	var names []string
	for _, name := range re.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("the pattern has no named group: write (?P<score>…) around each value")
	}
	for _, f := range p.fields {
		if f.Path != "*" && !strings.HasSuffix(f.Path, ".*") && !slices.Contains(names, f.Path) {
			return fmt.Errorf("the pattern has no group %q: expected one of %s", f.Path, strings.Join(names, ", "))
		}
	}
	nodes := make([]*node, re.NumSubexp()+1)
	for i, name := range re.SubexpNames() {
		if name != "" {
			nodes[i] = p.at(p.root, []byte(name))
		}
	}
	p.reader = func() formatReader { return &regexReader{re: re, nodes: nodes} }
	return nil
}

func (r *regexReader) read(p *Parser, line []byte, rec *Record) Result {
	p.plan.scan.begin(rec)
	p.plan.gen++
	at := r.re.FindSubmatchIndex(line)
	if at == nil {
		return Result{Status: Bad, Reason: NoMatch}
	}
	for i, n := range r.nodes {
		if n != nil && at[2*i] >= 0 {
			p.plan.putAny(rec, n, line[at[2*i]:at[2*i+1]])
		}
	}
	return p.plan.verdict(rec, 0)
}
