//go:build !linux

package ingest

import "testing"

func mountTmpfs(t *testing.T, _ string) { t.Skip("needs a tmpfs, as Linux has it") }
