package alerting

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
)

// sealer encrypts what a destination answered when it opened an incident. For PagerDuty that is the routing key:
// an incident can only be closed with the key that opened it, even after the key was rotated and the agent
// restarted, so it must be kept; and no secret may stand in the state in plain text. The key of the seal lies
// beside the state, readable by the owner only: this protects copies of the state file, not the folder.
type sealer struct{ aead cipher.AEAD }

const sealFile = "seal.key"

// newSealer reads or makes the key. Without a folder, or when the key cannot be kept, nothing is sealed and
// targets live in memory only.
func newSealer(stateDir string, log *slog.Logger) *sealer {
	if stateDir == "" {
		return &sealer{}
	}
	path := filepath.Join(stateDir, stateFolder, sealFile)
	key, err := os.ReadFile(path)
	if err != nil || len(key) != 32 {
		key = make([]byte, 32)
		_, _ = rand.Read(key)
		if err := writeSynced(path, key); err != nil {
			log.Warn("cannot keep the key that seals routing keys; incidents that are open when the agent stops are closed with the routing key configured then", "error", err)
			return &sealer{}
		}
	}
	return sealerOf(key)
}

func sealerOf(key []byte) *sealer {
	block, err := aes.NewCipher(key)
	if err != nil {
		return &sealer{}
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return &sealer{}
	}
	return &sealer{aead: aead}
}

// writeSynced writes a file that must be there after a crash, or not at all.
func writeSynced(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".seal-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Sync(); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func (s *sealer) seal(plain string) []byte {
	if s.aead == nil || plain == "" {
		return nil
	}
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return s.aead.Seal(nonce, nonce, []byte(plain), nil)
}

// open returns nothing for what it cannot read: then the credential of today is used.
func (s *sealer) open(sealed []byte) string {
	if s.aead == nil || len(sealed) < s.aead.NonceSize() {
		return ""
	}
	n := s.aead.NonceSize()
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return ""
	}
	return string(plain)
}
