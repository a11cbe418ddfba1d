package main

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// toldEvery is how often the log is told who was turned away.
const toldEvery = time.Minute

// A doorman is a listener that turns away who has too many connections open
// already, and everybody when the house is full. An IPv6 client counts by its
// network of 64 bits, of which it has all addresses.
type doorman struct {
	*net.TCPListener
	perAddress, max int // 0: any number
	pace            pace
	log             *slog.Logger
	now             func() time.Time

	mu     sync.Mutex
	open   int
	from   map[netip.Prefix]int
	turned int       // away, since the log was told
	told   time.Time // when that was
}

func newDoorman(l net.Listener, lim limits, log *slog.Logger) *doorman {
	return &doorman{TCPListener: l.(*net.TCPListener), perAddress: lim.perAddress, max: lim.open, pace: lim.pace,
		log: log, now: time.Now, from: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (d *doorman) Accept() (net.Conn, error) {
	for {
		c, err := d.AcceptTCP()
		if err != nil {
			return nil, err
		}
		who := household(c.RemoteAddr())
		if d.admit(who) {
			return &guest{TCPConn: c, pace: d.pace, log: d.log, leave: sync.OnceFunc(func() { d.left(who) })}, nil
		}
		c.SetLinger(0) // nothing of it stays with the system
		c.Close()
	}
}

// household is what counts as one client.
func household(a net.Addr) netip.Prefix {
	addr := a.(*net.TCPAddr).AddrPort().Addr().Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits)
	return p
}

func (d *doorman) admit(who netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.max > 0 && d.open >= d.max || d.perAddress > 0 && d.from[who] >= d.perAddress {
		d.turnedAway(who)
		return false
	}
	d.open++
	d.from[who]++
	return true
}

// turnedAway tells the log, with a line for many.
func (d *doorman) turnedAway(who netip.Prefix) {
	d.turned++
	if now := d.now(); now.Sub(d.told) >= toldEvery {
		d.log.Warn("connections were turned away", "last_from", who, "its_open", d.from[who], "open", d.open, "turned_away", d.turned)
		d.told, d.turned = now, 0
	}
}

func (d *doorman) left(who netip.Prefix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	if d.from[who]--; d.from[who] == 0 {
		delete(d.from, who)
	}
}
