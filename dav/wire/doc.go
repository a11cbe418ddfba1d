// Package wire is the wire format of WebDAV: it reads the paths, headers and
// XML bodies of requests, and writes multistatus and error bodies.
//
// It owns syntax and nothing else: every function is pure, and everything a
// client sends is held against a limit that has a name. It never looks up a
// resource, never decides who may do what and never chooses a status code for a
// request; errors tell the caller apart what it has to answer differently.
//
// A PROPFIND of one file, from the body to the answer:
//
//	body, err := wire.ReadBody(r.Body, wire.BodySizeMax) // ErrTooLarge: 413
//	find, err := wire.ParsePropfind(body)                // ErrXML: 400
//	...
//	m := wire.NewMultistatus(w)
//	m.Response("/dav", wire.Path{"Finance", "plan.txt"}, false)
//	m.Text(wire.GetETag, `"9a0364b9"`)
//	m.Group(http.StatusNotFound)
//	m.Name(xml.Name{Space: "urn:x", Local: "colour"})
//	err = m.End()
package wire

// The namespaces the package knows by name.
const (
	DAV = "DAV:"      // RFC 4918, section 21.1
	NS  = "urn:davit" // properties and error conditions of this server

	xmlNS   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNS = "http://www.w3.org/2000/xmlns/"
)
