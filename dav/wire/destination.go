package wire

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// What can be wrong with a Destination header, or with a resource tag of an If
// header, which is read by the same rules.
var (
	ErrDestination = errors.New("the destination is missing or not a URL; send an absolute URL or a path") // 400
	ErrOtherHost   = errors.New("the destination is on another server; upload the resource there")         // 502: RFC 4918, section 9.8.4
	ErrOutside     = errors.New("the destination is outside this WebDAV mount")                            // 502, or 403 on this host
)

const destinationSizeMax = escapedSizeMax + 1024 // a path, a scheme and a host

// ParseDestination reads an absolute URL, or the bare path that sync clients
// send, and returns the path below prefix. host is the authority the request
// was sent to. The scheme does not count: behind a proxy that ends TLS the
// client's is not ours.
func ParseDestination(header, host, prefix string) (Path, error) {
	header = strings.TrimSpace(header)
	if header == "" || len(header) > destinationSizeMax {
		return nil, ErrDestination
	}
	u, err := url.Parse(header)
	if err != nil {
		return nil, ErrDestination
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return nil, ErrDestination
		}
	case "":
	default:
		return nil, ErrOtherHost
	}
	if u.Host != "" && canonicalHost(u.Host) != canonicalHost(host) {
		return nil, ErrOtherHost
	}
	// A client that forgot to escape ? or # means a longer name than we would see.
	if u.RawQuery != "" || u.ForceQuery || strings.Contains(header, "#") {
		return nil, fmt.Errorf("%w: escape ? and # in names", ErrDestination)
	}
	return pathBelow(prefix, u.EscapedPath())
}

// pathBelow decodes a path and removes the names of prefix. Names are compared
// decoded, since clients differ in what they escape.
func pathBelow(prefix, escaped string) (Path, error) {
	root, _, err := decodePath(prefix)
	if err != nil {
		return nil, fmt.Errorf("prefix %q: %w", prefix, err)
	}
	p, _, err := decodePath(escaped)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDestination, err)
	}
	if !p.Within(root) {
		return nil, ErrOutside
	}
	p = p[len(root):]
	if p.size() > PathSizeMax {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrDestination, PathSizeMax)
	}
	return p, nil
}

// canonicalHost ignores what may differ in two spellings of one authority.
func canonicalHost(host string) string {
	host = strings.ToLower(host)
	if h, ok := strings.CutSuffix(host, ":80"); ok {
		return h
	}
	return strings.TrimSuffix(host, ":443")
}
