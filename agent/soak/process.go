package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// process is the agent, over all its lives. It is safe for concurrent use.
type process struct {
	command func() *exec.Cmd
	out     string // file for what it prints

	mu      sync.Mutex // guards everything below
	cmd     *exec.Cmd
	ended   chan struct{} // closed when cmd has ended
	wanted  bool          // it should be running
	born    time.Time
	killed  int
	crashes int
	endings []string // how each life went that ended by itself: its status, and the end of what it printed
}

// maxEndings is how many of them are told; all are counted.
const maxEndings = 5

// start begins a life.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.startLocked()
}

func (p *process) startLocked() error {
	out, err := os.OpenFile(p.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is told by whether it was wanted
		close(ended)
	}()
	p.cmd, p.ended, p.born, p.wanted = cmd, ended, time.Now(), true
	return nil
}

// kill ends a life with SIGKILL and returns when it is over.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || !p.wanted {
		return
	}
	p.wanted = false
	if err := p.cmd.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
		p.endedLocked() // it went by itself a moment earlier
	}
	p.killed++
	<-p.ended
}

// endedLocked notes how a life ended that nobody ended.
func (p *process) endedLocked() {
	<-p.ended
	p.crashes++
	if len(p.endings) < maxEndings {
		p.endings = append(p.endings, fmt.Sprintf("%s after %s; its output ends:\n%s", p.cmd.ProcessState, time.Since(p.born).Round(time.Millisecond), tailOf(p.out)))
	}
}

// ensure starts it if it does not run.
func (p *process) ensure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted {
		return
	}
	_ = p.startLocked() // keepAlive tries again
}

// keepAlive starts again what ended by itself, and counts that: it must never happen.
func (p *process) keepAlive(ctx context.Context, log *slog.Logger) {
	each(ctx, 200*time.Millisecond, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.wanted {
			return true
		}
		select {
		case <-p.ended:
			p.endedLocked()
			log.Error("the agent ended by itself", "lives", p.killed+p.crashes, "status", p.cmd.ProcessState.String())
			_ = p.startLocked()
		default:
		}
		return true
	})
}

// alive gives the process and its age; a pid of 0 means that none runs.
func (p *process) alive() (pid int, age time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wanted || p.cmd == nil {
		return 0, 0
	}
	return p.cmd.Process.Pid, time.Since(p.born)
}

func (p *process) kills() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// crashed says how often it ended by itself, and how the first of those lives ended.
func (p *process) crashed() (times int, endings []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashes, slices.Clone(p.endings)
}
