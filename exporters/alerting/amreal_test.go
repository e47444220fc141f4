package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestARealAlertmanagerTakesWhatIsForwarded runs Debian's Alertmanager when it is there.
func TestARealAlertmanagerTakesWhatIsForwarded(t *testing.T) {
	bin, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Skip("no prometheus-alertmanager on this machine (Debian's package of that name)")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "am.yaml")
	if err := os.WriteFile(config, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(t.Context(), bin, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()

	up := false
	for began := time.Now(); !up && time.Since(began) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
		if res, err := http.Get("http://" + addr + "/-/ready"); err == nil {
			up = res.StatusCode == http.StatusOK
			_ = res.Body.Close()
		}
	}
	if !up {
		t.Skip("the Alertmanager on this machine does not start (are the package's templates there?)")
	}
	alerts := func() (out []apiAlert) {
		res, err := http.Get("http://" + addr + "/api/v2/alerts")
		if err != nil {
			return nil
		}
		defer res.Body.Close()
		_ = json.NewDecoder(res.Body).Decode(&out)
		return out
	}
	d := newTest(t, Options{Now: time.Now, Routes: fmt.Appendf(nil, `
route: {receiver: am}
receivers: [{name: am, alertmanager_configs: [{urls: ["http://%s"]}]}]
`, addr)})
	start := time.Now().Add(-time.Minute)
	x, y := firing(start, "feature", "x"), firing(start, "feature", "y")
	process(t, d, time.Now(), x, y)
	deadline := time.Now().Add(20 * time.Second)
	send := func(want int) {
		t.Helper()
		for len(alerts()) != want {
			if time.Now().After(deadline) {
				t.Fatalf("%d alerts over there, want %d", len(alerts()), want)
			}
			d.Tick(time.Now())
			d.Deliver(context.Background(), time.Now())
			time.Sleep(50 * time.Millisecond)
		}
	}
	send(2)
	if a := alerts()[0]; a.Labels["node"] != "node-7" || a.Annotations["summary"] == "" || time.Until(a.EndsAt) < 50*time.Minute {
		t.Errorf("%+v", a)
	}
	process(t, d, time.Now(), ended(x, time.Now()))
	send(1)
}
