//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A socket is a connection whose reads and writes keep a thread of their own
// waiting in the kernel. The network poller behind a net.Conn takes several times
// the processor time, of the very processors that the servers need.
type socket int

// dial opens a connection on which nothing takes longer than patience.
func dial(address string, patience time.Duration) (io.ReadWriteCloser, error) {
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	family, where := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Port: to.Port, Addr: [16]byte(to.IP.To16())})
	if ip := to.IP.To4(); ip != nil {
		family, where = syscall.AF_INET, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(ip)}
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd, where, patience); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return socket(fd), nil
}

// prepare connects before it sets time limits: with one, a signal ends the attempt.
func prepare(fd int, where syscall.Sockaddr, patience time.Duration) error {
	limit := syscall.NsecToTimeval(patience.Nanoseconds())
	return errors.Join(
		syscall.Connect(fd, where),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit))
}

func (s socket) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(s), p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, os.ErrDeadlineExceeded
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (s socket) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m, err := syscall.Write(int(s), p[n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return n, os.ErrDeadlineExceeded
		case err != nil:
			return n, os.NewSyscallError("write", err)
		}
		n += m
	}
	return n, nil
}

func (s socket) Close() error { return syscall.Close(int(s)) }
