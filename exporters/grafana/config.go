// Package grafana draws incidents as annotations: a region from the moment the first alert fired to the moment
// the last one ended, through Grafana's HTTP API.
//
// The promise: one annotation per incident, found again by a tag when the agent was killed between making it
// and hearing its number; no redirect is followed; the token is read anew for every call and is never part of
// an error or a log line. A Notifier holds no state between calls and is safe for concurrent use; a notification
// costs at most two calls, of each answer at most 64 KiB are read.
//
// It does not make dashboards and does not page anybody.
package grafana

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

// Kind names this destination in metrics and in the state.
const Kind = "grafana"

// Config of one Grafana.
type Config struct {
	URL          string           // of Grafana, path prefix included: https://grafana.example.com
	Token        string           // of a service account that may write annotations; empty means that http_config signs in
	TokenFile    string           // file with the token, read for every call; at most one of it and Token
	DashboardUID string           // draw on one dashboard only; empty means on every dashboard that asks for the tags
	Tags         []string         // beside plumbline, the model, the cause and the severity
	Client       *http.Client     // nil means a client that follows no redirect and refuses link-local addresses
	Now          func() time.Time // for Retry-After dates; nil means time.Now
}

// ErrConfig is wrapped by every complaint of New.
var ErrConfig = errors.New("grafana")

func (c *Config) check() error {
	if err := destination.CheckURL(c.URL); err != nil {
		return fmt.Errorf("%w: url: %w", ErrConfig, err)
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.Token != "" && c.TokenFile != "" {
		return fmt.Errorf("%w: want at most one of token and token_file", ErrConfig)
	}
	if c.Client == nil {
		c.Client = destination.NewClient(nil)
	} else {
		c.Client = destination.Guard(c.Client)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// header makes the headers of this moment's call.
func (c *Config) header() (http.Header, error) {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"plumbline"}}
	token := c.Token
	if c.TokenFile != "" {
		data, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("read the Grafana token: %w", err)
		}
		token = strings.TrimSpace(string(data))
	}
	if strings.ContainsAny(token, "\r\n") {
		return nil, errors.New("the Grafana token has more than one line")
	}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h, nil
}
