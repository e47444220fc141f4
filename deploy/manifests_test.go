package deploy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// typed returns an empty object for what a manifest says it is; an unknown kind is an error, so that a new
// manifest brings its type along.
func typed(apiVersion, kind string) (any, error) {
	switch apiVersion + " " + kind {
	case "v1 Namespace":
		return new(corev1.Namespace), nil
	case "v1 ServiceAccount":
		return new(corev1.ServiceAccount), nil
	case "v1 ConfigMap":
		return new(corev1.ConfigMap), nil
	case "v1 Secret":
		return new(corev1.Secret), nil
	case "apps/v1 DaemonSet":
		return new(appsv1.DaemonSet), nil
	}
	return nil, fmt.Errorf("no type for %s %s", apiVersion, kind)
}

// manifests decodes every document below kubernetes/ strictly into typed objects.
func manifests(t *testing.T) []any {
	t.Helper()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	var out []any
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
		for {
			doc, err := docs.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			var head struct {
				APIVersion string `json:"apiVersion"`
				Kind       string `json:"kind"`
			}
			if err := yaml.Unmarshal(doc, &head); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if head.Kind == "" {
				continue // a document of comments only
			}
			object, err := typed(head.APIVersion, head.Kind)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if err := yaml.UnmarshalStrict(doc, object); err != nil {
				t.Errorf("%s: %s: %v", file, head.Kind, err)
			}
			out = append(out, object)
		}
	}
	return out
}

func TestEveryManifestDecodesStrictlyIntoItsType(t *testing.T) {
	if got := len(manifests(t)); got < 6 {
		t.Errorf("decoded %d objects, want the namespace, the account, the configuration and the DaemonSet", got)
	}
}

func TestAnUnknownKeyInAManifestIsRefused(t *testing.T) {
	if err := yaml.UnmarshalStrict([]byte("spec: {tmplate: {}}"), new(appsv1.DaemonSet)); err == nil {
		t.Error("a misspelled key was let through")
	}
}

func TestTheDaemonSetIsRootWithoutAnyCapabilityAndWritesOnlyItsState(t *testing.T) {
	for _, object := range manifests(t) {
		if account, ok := object.(*corev1.ServiceAccount); ok && (account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken) {
			t.Error("the service account mounts a token: the agent needs no API access")
		}
		ds, ok := object.(*appsv1.DaemonSet)
		if !ok {
			continue
		}
		pod := ds.Spec.Template.Spec
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
			t.Error("the pod mounts a service account token")
		}
		if pod.HostNetwork || pod.HostPID || pod.HostIPC {
			t.Error("the pod shares a namespace with the host")
		}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if *s.RunAsUser != 0 || *s.Privileged || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem {
				t.Errorf("container %s: %+v", c.Name, s)
			}
			if len(s.Capabilities.Add) != 0 || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("container %s has capabilities %+v", c.Name, s.Capabilities)
			}
			for _, m := range c.VolumeMounts {
				if !m.ReadOnly && m.MountPath != "/var/lib/plumbline" {
					t.Errorf("%s is mounted for writing", m.MountPath)
				}
			}
			if c.Resources.Limits.Memory().IsZero() {
				t.Errorf("container %s has no memory limit", c.Name)
			}
		}
	}
}

func TestTheSystemdUnitHasOneCapabilityAndAStateFolder(t *testing.T) {
	data, err := os.ReadFile("systemd/plumbline.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := string(data)
	for _, want := range []string{
		"User=plumbline\n", "AmbientCapabilities=CAP_DAC_READ_SEARCH\n", "CapabilityBoundingSet=CAP_DAC_READ_SEARCH\n",
		"NoNewPrivileges=yes\n", "ProtectSystem=strict\n", "StateDirectory=plumbline\n", "MemoryDenyWriteExecute=yes\n",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q", strings.TrimSpace(want))
		}
	}
	users, err := os.ReadFile("systemd/plumbline.sysusers")
	if err != nil || !bytes.Contains(users, []byte("u plumbline 65532 ")) {
		t.Errorf("the unit's user is not uid 65532: %v", err)
	}
}
