package alerting

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// keys is one level of the format: the keys we honour, each with what stands below it. A nil value is a leaf:
// whatever stands there is Alertmanager's to check.
type keys struct {
	in     map[string]*keys
	list   bool // a sequence of such mappings
	free   bool // any key, as in details
	notYet map[string]string
}

func leaves(names ...string) map[string]*keys {
	m := map[string]*keys{}
	for _, n := range names {
		m[n] = nil
	}
	return m
}

func with(m map[string]*keys, more map[string]*keys) map[string]*keys {
	maps.Copy(m, more)
	return m
}

var (
	freeKeys = &keys{free: true}

	tlsKeys  = &keys{in: leaves("ca", "cert", "key", "ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify", "min_version", "max_version")}
	httpKeys = &keys{
		in: with(leaves("proxy_url", "no_proxy", "proxy_from_environment", "follow_redirects", "enable_http2"), map[string]*keys{
			"basic_auth":           {in: leaves("username", "username_file", "password", "password_file")},
			"authorization":        {in: leaves("type", "credentials", "credentials_file")},
			"oauth2":               {in: with(leaves("client_id", "client_secret", "client_secret_file", "scopes", "token_url", "proxy_url", "no_proxy", "proxy_from_environment"), map[string]*keys{"endpoint_params": freeKeys, "tls_config": tlsKeys})},
			"tls_config":           tlsKeys,
			"http_headers":         freeKeys,
			"proxy_connect_header": freeKeys,
		}),
		notYet: map[string]string{"bearer_token": "use authorization", "bearer_token_file": "use authorization"},
	}

	intervalKeys = &keys{list: true, in: map[string]*keys{"name": nil, "time_intervals": {list: true, in: with(
		leaves("weekdays", "days_of_month", "months", "years", "location"),
		map[string]*keys{"times": {list: true, in: leaves("start_time", "end_time")}},
	)}}}

	pagerdutyKeys = &keys{
		list: true,
		in: with(leaves("send_resolved", "routing_key", "routing_key_file", "url", "client", "client_url", "description", "source", "severity", "class", "component", "group", "timeout"), map[string]*keys{
			"http_config": httpKeys,
			"details":     freeKeys,
			"images":      {list: true, in: leaves("href", "src", "alt")},
			"links":       {list: true, in: leaves("href", "text")},
		}),
		notYet: map[string]string{
			"service_key":      "Events API v1 is not spoken; make an Events API v2 integration and use routing_key",
			"service_key_file": "Events API v1 is not spoken; make an Events API v2 integration and use routing_key_file",
		},
	}
	webhookKeys = &keys{
		list:   true,
		in:     with(leaves("send_resolved", "url", "url_file", "max_alerts", "timeout"), map[string]*keys{"http_config": httpKeys}),
		notYet: map[string]string{"payload": "the body is Alertmanager's webhook JSON, version 4"},
	}
	// The rest of the receivers is ours: a routes file that uses it is not for Alertmanager itself.
	changeKeys       = &keys{list: true, in: with(leaves("routing_key", "routing_key_file", "url", "timeout"), map[string]*keys{"http_config": httpKeys})}
	alertmanagerKeys = &keys{list: true, in: with(leaves("urls", "send_resolved", "timeout", "resend_delay", "hold"), map[string]*keys{"http_config": httpKeys})}
	grafanaKeys      = &keys{list: true, in: with(leaves("url", "token", "token_file", "dashboard_uid", "tags", "send_resolved", "timeout"), map[string]*keys{"http_config": httpKeys})}
	logKeys          = &keys{list: true, in: leaves("send_resolved")}

	receiverKeys = &keys{
		list: true,
		in: map[string]*keys{
			"name": nil, "labels": freeKeys,
			"pagerduty_configs": pagerdutyKeys, "webhook_configs": webhookKeys,
			"pagerduty_change_configs": changeKeys, "alertmanager_configs": alertmanagerKeys, "grafana_configs": grafanaKeys, "log_configs": logKeys,
		},
		notYet: elsewhere("discord", "email", "incidentio", "slack", "opsgenie", "wechat", "pushover", "victorops", "sns", "telegram", "webex", "msteams", "msteamsv2", "jira", "rocketchat", "mattermost"),
	}

	routeKeys = func() *keys {
		k := &keys{in: with(leaves("receiver", "group_by", "matchers", "mute_time_intervals", "active_time_intervals", "continue", "group_wait", "group_interval", "repeat_interval"),
			map[string]*keys{"match": freeKeys, "match_re": freeKeys})}
		k.in["routes"] = &keys{list: true, in: k.in}
		return k
	}()

	routesSchema = &keys{in: map[string]*keys{
		"global": {
			in:     map[string]*keys{"resolve_timeout": nil, "pagerduty_url": nil, "http_config": httpKeys},
			notYet: map[string]string{"smtp_from": "mail is not sent from here", "smtp_smarthost": "mail is not sent from here"},
		},
		"route":               routeKeys,
		"receivers":           receiverKeys,
		"templates":           nil,
		"time_intervals":      intervalKeys,
		"mute_time_intervals": intervalKeys,
		"inhibit_rules": {list: true, in: with(leaves("name", "source_matchers", "target_matchers", "equal"), map[string]*keys{
			"source_match": freeKeys, "source_match_re": freeKeys, "target_match": freeKeys, "target_match_re": freeKeys,
		})},
	}}
)

func elsewhere(names ...string) map[string]string {
	m := map[string]string{}
	for _, n := range names {
		m[n+"_configs"] = "forward to an Alertmanager that has it (alertmanager_configs), or use webhook_configs"
	}
	return m
}

// checkKeys walks the file and refuses the first key that is not honoured, by its place and name.
func checkKeys(file string, n *yaml.Node, k *keys, path string) error {
	if k == nil || k.free || n.Tag == "!!null" {
		return nil
	}
	where := path
	if where == "" {
		where = "the file"
	}
	if k.list {
		if n.Kind != yaml.SequenceNode {
			return errAt(file, n, "write - before each entry", "%s: want a list", where)
		}
		one := &keys{in: k.in, notYet: k.notYet}
		for i, c := range n.Content {
			if err := checkKeys(file, c, one, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return errAt(file, n, "write key: value", "%s: want a mapping", where)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		below, ok := k.in[key.Value]
		if !ok {
			return refuse(file, key, k, where)
		}
		if key.Value == "follow_redirects" && value.Value == "true" {
			return errAt(file, value, "take the key out", "%s.follow_redirects: redirects are never followed", where)
		}
		next := key.Value
		if path != "" {
			next = path + "." + next
		}
		if err := checkKeys(file, value, below, next); err != nil {
			return err
		}
	}
	return nil
}

func refuse(file string, key *yaml.Node, k *keys, where string) error {
	if why, ok := k.notYet[key.Value]; ok {
		return errAt(file, key, why, "%s: key %q is not honoured by Plumbline", where, key.Value)
	}
	fix := "known keys: " + strings.Join(slices.Sorted(maps.Keys(k.in)), ", ")
	if near := nearest(key.Value, k.in); near != "" {
		fix = fmt.Sprintf("did you mean %q?", near)
	}
	return errAt(file, key, fix, "%s: key %q is not honoured by Plumbline", where, key.Value)
}

// nearest finds a known key within two edits.
func nearest(word string, in map[string]*keys) string {
	best, least := "", 3
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if n := edits(word, k); n < least {
			best, least = k, n
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func known(names map[string]bool) string {
	if len(names) == 0 {
		return "(none is defined)"
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

var envReference = regexp.MustCompile(`^\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}$`)

// expandEnv replaces scalars that are nothing but ${env:NAME}, as in the Collector's configuration. Parts of a
// text are left alone: templates use the same signs.
func expandEnv(file string, n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		m := envReference.FindStringSubmatch(n.Value)
		if m == nil {
			return nil
		}
		value, ok := os.LookupEnv(m[1])
		if !ok || value == "" {
			return errAt(file, n, "set it, or use the _file form of the key", "environment variable %s is not set", m[1])
		}
		n.Value, n.Tag, n.Style = value, "!!str", yaml.DoubleQuotedStyle
		return nil
	}
	for _, c := range n.Content {
		if err := expandEnv(file, c); err != nil {
			return err
		}
	}
	return nil
}
