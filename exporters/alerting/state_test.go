package alerting

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
)

// onDisk is an agent with a real state folder and a routing key in a file.
type onDisk struct {
	t    *testing.T
	dir  string
	key  string
	pd   *standin.Server
	used []string // routing keys in the order of the calls
}

func newOnDisk(t *testing.T) *onDisk {
	o := &onDisk{t: t, dir: t.TempDir(), pd: standin.New(standin.Options{Now: func() time.Time { return t0 }})}
	o.key = filepath.Join(t.TempDir(), "key")
	return o
}

func (o *onDisk) rotate(key string) {
	o.t.Helper()
	if err := os.WriteFile(o.key, []byte(key+"\n"), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *onDisk) start() *Dispatcher {
	o.t.Helper()
	net := roundTripper(func(r *http.Request) (*http.Response, error) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			return nil, err
		}
		for _, k := range []string{strings.Repeat("a", 32), strings.Repeat("b", 32)} {
			if strings.Contains(body.String(), `"routing_key":"`+k+`"`) {
				o.used = append(o.used, k[:1])
			}
		}
		again := r.Clone(r.Context())
		again.Body = noClose{&body}
		return o.pd.Transport().RoundTrip(again)
	})
	routes := strings.Replace(testRoutes, "routing_key: "+testKey, "routing_key_file: "+o.key, 1)
	d, err := New(Options{Routes: []byte(routes), Node: "node-7", StateDir: o.dir, HTTPClient: &http.Client{Transport: net}, Now: func() time.Time { return t0 }})
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

type noClose struct{ *bytes.Buffer }

func (noClose) Close() error { return nil }

func TestAnIncidentIsClosedWithTheKeyThatOpenedItAfterARotationAndARestart(t *testing.T) {
	o := newOnDisk(t)
	o.rotate(strings.Repeat("a", 32))
	d := o.start()
	x := firing(t0)
	step(t, d, t0.Add(time.Second), x)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	o.rotate(strings.Repeat("b", 32))
	d = o.start()
	defer d.Close()
	now := t0.Add(time.Minute)
	step(t, d, now, ended(x, now), firing(now, "model", "new"))
	step(t, d, now.Add(time.Second))
	slices.Sort(o.used)
	if got := strings.Join(o.used, ""); got != "aab" || len(o.pd.Open()) != 1 {
		t.Fatalf("keys used: %s, %d incidents are open", got, len(o.pd.Open()))
	}
}

func TestTheStateFolderHoldsNoKeyInPlainText(t *testing.T) {
	o := newOnDisk(t)
	key := strings.Repeat("a", 32)
	o.rotate(key)
	d := o.start()
	step(t, d, t0.Add(time.Second), firing(t0))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(o.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte(key)) {
			t.Errorf("%s holds the routing key", filepath.Base(path))
		}
		if info, ierr := e.Info(); ierr == nil && filepath.Base(path) == sealFile && info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v", sealFile, info.Mode())
		}
		return err
	})
	if err != nil || files < 2 {
		t.Fatal(files, err)
	}
}

func TestWithoutItsSealAnIncidentIsClosedWithTheKeyOfToday(t *testing.T) {
	o := newOnDisk(t)
	o.rotate(strings.Repeat("a", 32))
	d := o.start()
	x := firing(t0)
	step(t, d, t0.Add(time.Second), x)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.dir, stateFolder, sealFile), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	d = o.start()
	defer d.Close()
	now := t0.Add(time.Minute)
	step(t, d, now, ended(x, now))
	if len(o.pd.Open()) != 0 {
		t.Fatal("not closed")
	}
}

func TestTwoAgentsCannotShareAStateFolder(t *testing.T) {
	o := newOnDisk(t)
	d := o.start()
	defer d.Close()
	if _, err := New(Options{StateDir: o.dir}); err == nil {
		t.Fatal("a second agent opened the same state")
	}
}

func TestADamagedStateFileStartsAndSaysSo(t *testing.T) {
	o := newOnDisk(t)
	o.rotate(strings.Repeat("a", 32))
	d := o.start()
	x := firing(t0)
	step(t, d, t0.Add(time.Second), x)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(o.dir, stateFolder, "delivery.state")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] ^= 0x55
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d = o.start()
	defer d.Close()
	now := t0.Add(time.Minute)
	step(t, d, now, ended(x, now)) // the incident is not remembered, and is closed all the same
	if len(o.pd.Open()) != 0 {
		t.Fatal("the incident is stranded")
	}
}
