package alerting

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/exporters/alertmanager"
	"github.com/plumbline-ml/plumbline/exporters/grafana"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty"
)

const alertmanagerKind = alertmanager.Kind

// ownKeys are the destinations of a receiver that Alertmanager's format does not have.
var ownKeys = map[string]bool{"log_configs": true, "alertmanager_configs": true, "grafana_configs": true, "pagerduty_change_configs": true}

// ownConfigs are what stands below them.
type ownConfigs struct {
	Log []struct {
		SendResolved *bool `yaml:"send_resolved"`
	} `yaml:"log_configs"`
	Change []struct {
		RoutingKey     commoncfg.Secret            `yaml:"routing_key"`
		RoutingKeyFile string                      `yaml:"routing_key_file"`
		URL            string                      `yaml:"url"`
		Timeout        model.Duration              `yaml:"timeout"`
		HTTP           *commoncfg.HTTPClientConfig `yaml:"http_config"`
	} `yaml:"pagerduty_change_configs"`
	Alertmanager []struct {
		URLs         []string                    `yaml:"urls"`
		SendResolved *bool                       `yaml:"send_resolved"`
		Resend       model.Duration              `yaml:"resend_delay"`
		Hold         model.Duration              `yaml:"hold"`
		Timeout      model.Duration              `yaml:"timeout"`
		HTTP         *commoncfg.HTTPClientConfig `yaml:"http_config"`
	} `yaml:"alertmanager_configs"`
	Grafana []struct {
		URL          string                      `yaml:"url"`
		Token        commoncfg.Secret            `yaml:"token"`
		TokenFile    string                      `yaml:"token_file"`
		DashboardUID string                      `yaml:"dashboard_uid"`
		Tags         []string                    `yaml:"tags"`
		SendResolved *bool                       `yaml:"send_resolved"`
		Timeout      model.Duration              `yaml:"timeout"`
		HTTP         *commoncfg.HTTPClientConfig `yaml:"http_config"`
	} `yaml:"grafana_configs"`
}

func orTrue(b *bool) bool { return b == nil || *b }

// buildOwn makes the destinations of one receiver that Alertmanager's format does not have.
func (d *Dispatcher) buildOwn(r *routing, rcv *receiver, cfg *routesConfig, dir string) error {
	own, global := cfg.ours[rcv.name], cfg.am.Global
	httpConfig := func(c *commoncfg.HTTPClientConfig) *commoncfg.HTTPClientConfig {
		if c == nil {
			return global.HTTPConfig
		}
		return c
	}
	for i, c := range own.Log {
		n := d.fallback()
		r.add(rcv, n.Name(), i, orTrue(c.SendResolved), 0, n)
	}
	for i, c := range own.Change {
		client, err := d.clientFor(httpConfig(c.HTTP), "pagerduty", dir)
		if err != nil {
			return err
		}
		to := c.URL
		if to == "" && global.PagerdutyURL != nil {
			to = changeURL(global.PagerdutyURL.URL)
		}
		n, err := pagerduty.NewChange(pagerduty.Config{URL: to, RoutingKey: string(c.RoutingKey), RoutingKeyFile: inDir(dir, c.RoutingKeyFile), Client: client, Now: d.opts.Now})
		if err != nil {
			return fmt.Errorf("pagerduty_change_configs[%d]: %w", i, err)
		}
		r.add(rcv, pagerduty.ChangeKind, i, false, time.Duration(c.Timeout), n)
	}
	for i, c := range own.Alertmanager {
		client, err := d.clientFor(httpConfig(c.HTTP), "alertmanager", dir)
		if err != nil {
			return err
		}
		if len(c.URLs) == 0 {
			return fmt.Errorf("alertmanager_configs[%d]: %w", i, errors.New("urls: want at least one address"))
		}
		resend := time.Duration(c.Resend)
		if resend <= 0 {
			resend = alertmanager.DefaultResend
		}
		for j, u := range c.URLs { // each on its own: one that is down does not hold up the others
			n, err := alertmanager.New(alertmanager.Config{URL: u, Hold: max(time.Duration(c.Hold), 0), Client: client, Now: d.opts.Now})
			if err != nil {
				return fmt.Errorf("alertmanager_configs[%d]: %w", i, err)
			}
			r.mirrors = append(r.mirrors, &mirror{
				id: fmt.Sprintf("%s/%s[%d.%d]", rcv.name, alertmanagerKind, i, j), receiver: rcv.name, notifier: n,
				sendResolved: orTrue(c.SendResolved), resend: resend, timeout: time.Duration(c.Timeout), known: map[string]*mirrored{},
			})
		}
	}
	for i, c := range own.Grafana {
		client, err := d.clientFor(httpConfig(c.HTTP), "grafana", dir)
		if err != nil {
			return err
		}
		n, err := grafana.New(grafana.Config{URL: c.URL, Token: string(c.Token), TokenFile: inDir(dir, c.TokenFile), DashboardUID: c.DashboardUID, Tags: c.Tags, Client: client, Now: d.opts.Now})
		if err != nil {
			return fmt.Errorf("grafana_configs[%d]: %w", i, err)
		}
		r.add(rcv, grafana.Kind, i, orTrue(c.SendResolved), time.Duration(c.Timeout), n)
	}
	return nil
}

// changeURL is the address for change events beside one for events.
func changeURL(events *url.URL) string {
	u := *events
	prefix, ok := strings.CutSuffix(u.Path, "/v2/enqueue")
	if !ok {
		return ""
	}
	u.Path = prefix + "/v2/change/enqueue"
	return u.String()
}
