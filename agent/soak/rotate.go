package soak

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// renameAway does what logrotate does without copytruncate: app.jsonl becomes app.jsonl.1, and those before it move up.
// The program writes on into the renamed file for a moment, as programs do until they are told.
func (s *stream) renameAway() error {
	if err := s.shift(); err != nil {
		return err
	}
	old := s.file
	if err := os.Rename(s.live, s.live+".1"); err != nil {
		return err
	}
	s.remember(s.live + ".1")
	if s.rand.IntN(2) == 0 {
		if err := s.write(5); err != nil {
			return err
		}
	}
	if err := s.complete(old); err != nil {
		return err
	}
	return errors.Join(old.Close(), s.reopen())
}

// kubelet renames to a name with the time, leaves the newest rotated file as it is and compresses the one before it.
func (s *stream) kubelet() error {
	if err := s.complete(s.file); err != nil {
		return err
	}
	to := s.live + "." + time.Now().UTC().Format("20060102-150405")
	if _, err := os.Stat(to); err == nil {
		return nil // the second is taken: the kubelet would not rotate so soon either
	}
	for i := range s.rotated {
		if f := &s.rotated[i]; !strings.HasSuffix(f.path, ".gz") {
			if err := compress(f.path); err != nil {
				return err
			}
			f.path += ".gz"
		}
	}
	if err := errors.Join(s.file.Close(), os.Rename(s.live, to)); err != nil {
		return err
	}
	s.remember(to)
	return s.reopen()
}

// compress writes the compressed file beside the plain one, gives it its name and then removes the plain one.
func compress(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, in)
	if err := errors.Join(err, z.Close(), out.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(path+".tmp", path+".gz"), os.Remove(path))
}

// copyTruncate copies the live file beside itself and empties it. Nothing is written meanwhile, so nothing may be lost.
func (s *stream) copyTruncate() error {
	if err := s.complete(s.file); err != nil {
		return err
	}
	return s.copyThenTruncate(func() error { return nil })
}

// copyTruncateUnderWrite writes between the copy and the truncation: those lines are lost unless the agent reads them in
// between, and it may count no more bytes as lost than they were.
func (s *stream) copyTruncateUnderWrite() error {
	return s.copyThenTruncate(func() error {
		n := s.rand.IntN(20)
		s.exposed += int64(n)
		s.exposing = true
		err := s.write(n)
		s.exposing = false
		if err != nil {
			return err
		}
		timer := time.NewTimer(time.Duration(s.rand.Int64N(int64(200 * time.Millisecond))))
		<-timer.C
		return nil
	})
}

func (s *stream) copyThenTruncate(between func() error) error {
	if err := s.shift(); err != nil {
		return err
	}
	in, err := os.Open(s.live)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(s.live+".1", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	s.remember(s.live + ".1")
	if err := between(); err != nil {
		return err
	}
	return s.file.Truncate(0)
}

// shift makes room for app.jsonl.1.
func (s *stream) shift() error {
	for i := len(s.rotated) - 1; i >= 0; i-- {
		to := s.live + "." + strconv.Itoa(i+2)
		if err := os.Rename(s.rotated[i].path, to); err != nil {
			return err
		}
		s.rotated[i].path = to
	}
	return nil
}

func (s *stream) remember(path string) {
	s.rotated = append([]rotatedFile{{path, time.Now()}}, s.rotated...)
}

// prune removes the oldest files, but only those that an agent that keeps up has long read: what is deleted unread
// while the agent is down is lost to anybody.
func (s *stream) prune() error {
	behind := s.a.written() - int(s.a.scraper.sum("plumbline_records_total"))
	for n := len(s.rotated); n > 3; n = len(s.rotated) {
		oldest := s.rotated[n-1]
		if time.Since(oldest.at) < keepFor || behind > 5*s.a.opts.Rate {
			return nil
		}
		if err := os.Remove(oldest.path); err != nil {
			return err
		}
		s.rotated = s.rotated[:n-1]
	}
	return nil
}
