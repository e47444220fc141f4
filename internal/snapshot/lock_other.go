//go:build !unix

package snapshot

import (
	"io"
	"os"
)

// Lock only creates the file: there is no flock here, and the agent is deployed on Linux.
func (osFS) Lock(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
