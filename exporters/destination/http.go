package destination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	maxAnswerBytes = 64 << 10
	dialTimeout    = 10 * time.Second

	// maxRetryAfter bounds how long a destination can silence us with one header.
	maxRetryAfter = time.Hour
)

// ErrLinkLocal is returned when a destination's address is link-local: 169.254.0.0/16 and fe80::/10 are where
// clouds serve credentials, and no destination for alerts lives there.
var ErrLinkLocal = errors.New("destination address is link-local")

// NewClient returns a client that follows no redirect, has no timeout of its own (the caller's context has)
// and refuses link-local addresses after name resolution. A nil base means a plain transport.
func NewClient(base http.RoundTripper) *http.Client {
	if base == nil {
		base = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           DialContext,
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: 30 * time.Second,
			MaxIdleConnsPerHost:   2,
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
		}
	}
	return Guard(&http.Client{Transport: base})
}

// Guard returns a copy of c that follows no redirect.
func Guard(c *http.Client) *http.Client {
	guarded := *c
	guarded.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &guarded
}

// DialContext connects like net.Dialer, and refuses a link-local address. The check runs on the address that
// the socket is about to connect to, so a name that resolves differently the second time does not get past it.
func DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: refuseLinkLocal}
	return d.DialContext(ctx, network, address)
}

func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err == nil && isLinkLocal(addr.Addr()) {
		return ErrLinkLocal
	}
	return nil
}

func isLinkLocal(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast()
}

// CheckURL says what is wrong with a destination's address, or nil. It does not resolve names: DialContext
// looks at what they resolve to.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("not a URL") // the parser's error repeats the text, and the text may be a secret
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("want a URL that starts with http:// or https://")
	}
	if u.Hostname() == "" {
		return errors.New("the URL has no host")
	}
	if a, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]")); err == nil && isLinkLocal(a) {
		return ErrLinkLocal
	}
	return nil
}

// Answer is what came back from one call.
type Answer struct {
	Status     int
	Header     http.Header
	Body       []byte // at most 64 KiB
	RetryAfter time.Duration
}

// Call sends one request and reads the answer up to its bound. The error never holds the URL: webhook
// addresses carry tokens.
func Call(ctx context.Context, c *http.Client, method, target string, header http.Header, body []byte, now time.Time) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return Answer{}, errors.New("cannot make a request of the configured URL")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := c.Do(req)
	if err != nil {
		return Answer{}, Redact(err)
	}
	defer res.Body.Close()
	return ReadAnswer(res, now)
}

// ReadAnswer reads a response up to its bound.
func ReadAnswer(res *http.Response, now time.Time) (Answer, error) {
	a := Answer{Status: res.StatusCode, Header: res.Header, RetryAfter: RetryAfter(res.Header.Get("Retry-After"), now)}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	a.Body = body
	if err != nil {
		return a, fmt.Errorf("read the answer: %w", Redact(err))
	}
	return a, nil
}

// Redact takes the URL out of an error of net/http.
func Redact(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// RetryAfter reads the header in both of its forms, seconds and HTTP date. Zero means there was none that can
// be read; more than an hour counts as an hour.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// Advise turns an answer or an error into advice. ok lists the statuses that mean success; detail, if not
// nil, gets words for the error from the body of a refusal.
func Advise(a Answer, err error, ok []int, detail func(body []byte) string) (RetryAdvice, error) {
	if err != nil {
		return RetryAdvice{Retry: true, Reason: networkReason(err)}, err
	}
	for _, s := range ok {
		if a.Status == s {
			return RetryAdvice{}, nil
		}
	}
	words := ""
	if detail != nil {
		if d := detail(a.Body); d != "" {
			words = ": " + d
		}
	}
	failed := func(r Reason, retry bool) (RetryAdvice, error) {
		return RetryAdvice{Retry: retry, After: a.RetryAfter, Reason: r}, fmt.Errorf("answered %d %s%s", a.Status, http.StatusText(a.Status), words)
	}
	switch {
	case a.Status == http.StatusTooManyRequests:
		return failed(RateLimited, true)
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly, a.Status >= 500:
		return failed(Server, true)
	case a.Status >= 300 && a.Status < 400:
		// A captive portal or a proxy in between. Following it would send the alert to a stranger.
		return failed(Redirect, true)
	case a.Status == http.StatusBadRequest, a.Status == http.StatusRequestEntityTooLarge, a.Status == http.StatusUnprocessableEntity:
		return failed(Rejected, false)
	case a.Status >= 400:
		// A wrong address or credential: the content is not at fault, and it heals when somebody repairs it.
		return failed(Rejected, true)
	}
	return failed(Contract, true)
}

func networkReason(err error) Reason {
	var ne net.Error
	switch {
	case errors.Is(err, ErrLinkLocal):
		return Contract
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.As(err, &ne) && ne.Timeout():
		return Timeout
	}
	return Network
}
