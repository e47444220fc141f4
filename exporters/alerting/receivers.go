package alerting

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	commoncfg "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty"
	"github.com/plumbline-ml/plumbline/exporters/webhook"
)

// takeOurs moves our own keys out of the receivers, so that Alertmanager's types can read the rest.
func (c *routesConfig) takeOurs(root *yaml.Node) error {
	for _, rcv := range items(child(root, "receivers")) {
		own := ownConfigs{}
		name := ""
		if n := child(rcv, "name"); n != nil {
			name = n.Value
		}
		for _, pd := range items(child(rcv, "pagerduty_configs")) {
			c.set[name] = append(c.set[name], keysOf(pd))
		}
		var kept []*yaml.Node
		for i := 0; i+1 < len(rcv.Content); i += 2 {
			pair := rcv.Content[i : i+2]
			if !ownKeys[pair[0].Value] {
				kept = append(kept, pair...)
				continue
			}
			one := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: pair}
			if err := one.Decode(&own); err != nil {
				return fromYAML(c.file, pair[1], err)
			}
		}
		rcv.Content = kept
		c.ours[name] = own
	}
	return nil
}

// keysOf lists the keys that were written in a mapping.
func keysOf(n *yaml.Node) map[string]bool {
	out := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out[n.Content[i].Value] = true
	}
	return out
}

// build makes everything that can fail before anything is swapped.
func (d *Dispatcher) build(cfg *routesConfig, dir string) (*routing, error) {
	r := newRouting()
	am := cfg.am
	templates := make([]string, len(am.Templates))
	for i, t := range am.Templates {
		templates[i] = inDir(dir, t)
	}
	tmpl, err := template.FromGlobs(templates)
	if err != nil {
		return nil, fmt.Errorf("%s: templates: %w", cfg.file, err)
	}
	tmpl.ExternalURL = &url.URL{}
	if d.opts.ExternalURL != "" {
		if tmpl.ExternalURL, err = url.Parse(d.opts.ExternalURL); err != nil {
			return nil, err
		}
	}
	render := renderer(tmpl)
	for _, rule := range am.InhibitRules {
		ir, err := newInhibitRule(rule)
		if err != nil {
			return nil, fmt.Errorf("%s: inhibit_rules: %w", cfg.file, err)
		}
		r.inhibit = append(r.inhibit, ir)
	}
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, ti := range am.TimeIntervals {
		intervals[ti.Name] = ti.TimeIntervals
	}
	for _, ti := range am.MuteTimeIntervals {
		intervals[ti.Name] = ti.TimeIntervals
	}
	r.intervals = timeinterval.NewIntervener(intervals)
	r.resolveAfter = time.Duration(am.Global.ResolveTimeout)
	r.root = dispatch.NewRoute(am.Route, nil)
	r.original = cfg.shown
	for _, rc := range am.Receivers {
		rcv := &receiver{name: rc.Name}
		r.receivers[rc.Name] = rcv
		if err := d.buildReceiver(r, rcv, rc, cfg, dir, render); err != nil {
			return nil, fmt.Errorf("%s: receiver %q: %w", cfg.file, rc.Name, err)
		}
	}
	r.followUps = func(inc *incident) *integration {
		if inc.Kind != pagerduty.Kind {
			return nil
		}
		n, err := pagerduty.New(pagerduty.Config{RoutingKey: "from-the-incident", Client: d.client(), Now: d.opts.Now})
		if err != nil {
			return nil
		}
		return &integration{id: inc.Integration, kind: inc.Kind, sendResolved: true, notifier: n}
	}
	return r, nil
}

func (d *Dispatcher) buildReceiver(r *routing, rcv *receiver, rc amconfig.Receiver, cfg *routesConfig, dir string, render destination.Render) error {
	for i, c := range rc.PagerdutyConfigs {
		client, err := d.clientFor(c.HTTPConfig, "pagerduty", dir)
		if err != nil {
			return err
		}
		pc := pagerduty.Config{
			URL: c.URL.String(), RoutingKey: string(c.RoutingKey), RoutingKeyFile: inDir(dir, c.RoutingKeyFile),
			Severity: c.Severity, Class: c.Class, Component: c.Component, Group: c.Group,
			Client: client, Now: d.opts.Now, Render: render,
		}
		written := cfg.set[rc.Name][i]
		if written["description"] {
			pc.Summary = c.Description
		}
		if written["client"] {
			pc.ClientName = c.Client
		}
		if written["client_url"] {
			pc.ClientURL = c.ClientURL
		}
		if written["source"] {
			pc.Source = c.Source
		}
		for k, v := range c.Details {
			if def, ok := amconfig.DefaultPagerdutyDetails[k]; ok && v == def {
				continue
			}
			if pc.Details == nil {
				pc.Details = map[string]any{}
			}
			pc.Details[k] = v
		}
		for _, l := range c.Links {
			pc.Links = append(pc.Links, pagerduty.Link{Href: l.Href, Text: l.Text})
		}
		for _, im := range c.Images {
			pc.Images = append(pc.Images, pagerduty.Image{Src: im.Src, Href: im.Href, Alt: im.Alt})
		}
		n, err := pagerduty.New(pc)
		if err != nil {
			return err
		}
		r.add(rcv, pagerduty.Kind, i, c.SendResolved(), c.Timeout, n)
	}
	for i, c := range rc.WebhookConfigs {
		client, err := d.clientFor(c.HTTPConfig, "webhook", dir)
		if err != nil {
			return err
		}
		n, err := webhook.New(webhook.Config{URL: string(c.URL), URLFile: inDir(dir, c.URLFile), MaxAlerts: int(min(c.MaxAlerts, maxListedAlerts)), Client: client, Now: d.opts.Now})
		if err != nil {
			return err
		}
		r.add(rcv, webhook.Kind, i, c.SendResolved(), c.Timeout, n)
	}
	return d.buildOwn(r, rcv, cfg, dir)
}

func inDir(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// client is what destinations without http_config use.
func (d *Dispatcher) client() *http.Client {
	if d.opts.HTTPClient != nil {
		return destination.Guard(d.opts.HTTPClient)
	}
	return destination.NewClient(nil)
}

// clientFor makes the client that http_config asks for, with the guards that it cannot take away.
func (d *Dispatcher) clientFor(c *commoncfg.HTTPClientConfig, name, dir string) (*http.Client, error) {
	if c == nil {
		return d.client(), nil
	}
	own := *c
	own.FollowRedirects = commoncfg.DefaultHTTPClientConfig.FollowRedirects // both words mean the same here
	if reflect.DeepEqual(own, commoncfg.DefaultHTTPClientConfig) {
		return d.client(), nil
	}
	own.SetDirectory(dir)
	if err := own.Validate(); err != nil {
		return nil, err
	}
	client, err := commoncfg.NewClientFromConfig(own, name, commoncfg.WithDialContextFunc(destination.DialContext))
	if err != nil {
		return nil, errors.New("http_config: " + strings.TrimPrefix(err.Error(), "http_config: "))
	}
	return destination.Guard(client), nil
}
