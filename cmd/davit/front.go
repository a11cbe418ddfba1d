package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
)

// front answers what operations ask and hands everything else on as it came:
// the request with its path untouched, its body held to a pace, and over HTTP/1 the
// very ResponseWriter of net/http, which sends files by the system's own means.
type front struct {
	content http.Handler
	pace    pace
	log     *slog.Logger
	ready   atomic.Bool
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		say(w, http.StatusOK, "ok")
	case "/readyz":
		if f.ready.Load() {
			say(w, http.StatusOK, "ready")
		} else {
			say(w, http.StatusServiceUnavailable, "not ready")
		}
	default:
		held := f.pace.keep(w, r, f.log)
		if s := f.pace.stream(w, r, f.log); s != nil {
			defer s.end()
			w = s
		}
		f.content.ServeHTTP(w, held)
	}
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n") // an error here is a client that has gone
}

// lastHop is the client as the proxy in front saw it: the last address of
// X-Forwarded-For. Those before it are whatever the client wrote.
func lastHop(r *http.Request) netip.Addr {
	fields := r.Header.Values("X-Forwarded-For")
	if len(fields) > 0 {
		last := fields[len(fields)-1]
		if addr, ok := parseHop(last[strings.LastIndexByte(last, ',')+1:]); ok {
			return addr
		}
	}
	addr, _ := parseHop(r.RemoteAddr)
	return addr
}

// parseHop reads an address with or without a port.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr(), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a, err == nil
}
