package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second // then it is killed
	readyPoll    = 5 * time.Millisecond
	logTailMax   = 2 << 10 // of a failed child's output, for the error
)

// A child is a server process. It ends when stopped, when the context it was
// launched with is done, or when this program dies.
type child struct {
	cmd     *exec.Cmd
	cancel  context.CancelFunc
	done    chan struct{} // closed once the process is gone
	err     error         // how it ended; read after done
	logName string
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// readiness asks whether a server serves by now: its base URL, or empty while it
// does not.
type readiness func() (base string, err error)

// inFile waits for the URL that the server writes into its ready file.
func inFile(name string) readiness {
	return func() (string, error) {
		text, err := os.ReadFile(name)
		base := strings.TrimSuffix(strings.TrimSpace(string(text)), "/")
		if err != nil || base == "" {
			return "", nil // not yet
		}
		if u, err := url.Parse(base); err != nil || u.Scheme != "http" || u.Port() == "" {
			return "", fmt.Errorf("the ready file says %q, not http://host:port", base)
		}
		return base, nil
	}
}

// launch starts a server and waits until it is ready.
func launch(ctx context.Context, logName string, ready readiness, program string, args ...string) (*child, string, error) {
	log, err := os.Create(logName)
	if err != nil {
		return nil, "", err
	}
	defer log.Close() // the child has its own descriptor

	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, "", err
	}
	c := &child{cmd: cmd, cancel: cancel, done: make(chan struct{}), logName: logName}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	base, err := c.awaitReady(ctx, ready)
	if err != nil {
		cancel()
		<-c.done
		return nil, "", fmt.Errorf("%w%s", err, c.logTail())
	}
	return c, base, nil
}

func (c *child) awaitReady(ctx context.Context, ready readiness) (string, error) {
	timeout := time.After(startTimeout)
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if base, err := ready(); err != nil || base != "" {
			return base, err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-c.done:
			return "", fmt.Errorf("it ended before it listened: %v", c.err)
		case <-timeout:
			return "", fmt.Errorf("it did not listen within %v", startTimeout)
		case <-poll.C:
		}
	}
}

// stop ends the process and tells when it had ended by itself before.
func (c *child) stop() error {
	select {
	case <-c.done:
		c.cancel()
		return fmt.Errorf("it ended early: %v%s", c.err, c.logTail())
	default:
	}
	c.cancel()
	<-c.done
	if errors.Is(c.err, exec.ErrWaitDelay) || (c.cmd.ProcessState != nil && killed(c.cmd.ProcessState)) {
		return fmt.Errorf("it had to be killed after %v%s", stopTimeout, c.logTail())
	}
	return nil
}

func killed(p *os.ProcessState) bool {
	w, ok := p.Sys().(syscall.WaitStatus)
	return ok && w.Signaled() && w.Signal() == syscall.SIGKILL
}

// logTail is the end of what the child printed, as lines to put behind an error.
func (c *child) logTail() string {
	text, err := os.ReadFile(c.logName)
	if err != nil || len(text) == 0 {
		return ""
	}
	return "\n" + string(bytes.TrimSpace(text[max(0, len(text)-logTailMax):]))
}

// command runs a program to its end with one line of standard input.
func command(ctx context.Context, stdin, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(stdin + "\n")
	cmd.WaitDelay = stopTimeout
	dieWithParent(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		out = bytes.TrimSpace(out[max(0, len(out)-logTailMax):])
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}
