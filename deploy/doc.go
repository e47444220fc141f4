// Package deploy holds what installs Plumbline: a Dockerfile, Kubernetes manifests, a systemd unit and example
// configuration. It has no code of its own; its tests load every file that it ships.
package deploy
