package wire

import "sync"

const (
	propfindsMax     = 64      // bodies remembered
	propfindBytesMax = 4 << 10 // of one of them
)

// Propfinds parses bodies of PROPFIND and remembers them: a client sends the
// same one for every folder that it looks into, and parsing it costs more than
// finding the answer. The zero value is ready; it is safe for concurrent use.
type Propfinds struct {
	mu   sync.RWMutex
	seen map[string]Propfind // nothing in it is ever changed
}

// Parse is ParsePropfind. The result is shared: its Props are not to be changed.
func (p *Propfinds) Parse(body []byte) (Propfind, error) {
	p.mu.RLock()
	find, known := p.seen[string(body)]
	p.mu.RUnlock()
	if known {
		return find, nil
	}
	find, err := ParsePropfind(body)
	if err == nil && len(body) <= propfindBytesMax {
		p.remember(string(body), find)
	}
	return find, err
}

// remember forgets all others when they are too many: whoever sends ever new
// bodies costs what he would without a memory.
func (p *Propfinds) remember(body string, find Propfind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) >= propfindsMax {
		p.seen = make(map[string]Propfind)
	}
	p.seen[body] = find
}
