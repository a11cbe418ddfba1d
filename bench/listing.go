package main

import (
	"bytes"
	"fmt"
	"time"
)

const (
	xmlType = "Content-Type: application/xml; charset=utf-8\r\n"

	allProperties = `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`

	// fileManagerProperties are what a file manager names when it opens a folder.
	fileManagerProperties = `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>` +
		`<D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/><D:getcontenttype/>` +
		`<D:displayname/><D:creationdate/></D:prop></D:propfind>`
)

func listings(s scale) []workload {
	return []workload{
		{
			name: "PROPFIND depth 0, 16 connections", connections: 16, batches: 1,
			unit: perSecond, bar: bar{naive: 2},
			prepare: needSmall,
			run: func(b *batch) (int, error) {
				return b.parallel(func(c *client, worker, i int) error {
					name := smallName(worker + i)
					r, err := propfind(c, name, "0", fileManagerProperties)
					if err != nil {
						return err
					}
					return listed(r, 1, 1, name)
				})
			},
		},
		folderListing(s.tree, "allprop", allProperties, 30*time.Millisecond),
		folderListing(s.tree, "a file manager's properties", fileManagerProperties, 30*time.Millisecond),
		folderListing(s.wide, "a file manager's properties", fileManagerProperties, 350*time.Millisecond),
		deepListing(s.deep),
	}
}

// folderListing lists a large folder once a batch; the answer is looked into
// after the clock has stopped.
func folderListing(l layout, what, body string, atMost time.Duration) workload {
	return workload{
		name:        fmt.Sprintf("PROPFIND depth 1 of %d files, %s", l.files, what),
		connections: 1, batches: 5, unit: perMilli, bar: bar{atMost: atMost},
		prepare: l.need,
		run: func(b *batch) (int, error) {
			r, err := propfind(b.one(), b.tops[l.name], "1", body)
			b.answer = r
			return single(err)
		},
		check: func(b *batch) error { return whole(b.answer, l) },
	}
}

// deepListing lists folders and what is in them with one request.
func deepListing(l layout) workload {
	return workload{
		name:        fmt.Sprintf("PROPFIND depth infinity of %d files in %d folders", l.count(), l.folders),
		connections: 1, batches: 5, unit: perMilli, bar: bar{atMost: 80 * time.Millisecond},
		prepare: l.need,
		run: func(b *batch) (int, error) {
			r, err := propfind(b.one(), b.tops[l.name], "infinity", fileManagerProperties)
			b.answer = r
			return single(err)
		},
		check: func(b *batch) error { return whole(b.answer, l) },
	}
}

func propfind(c *client, path, depth, body string) (response, error) {
	q := request{method: "PROPFIND", path: path, headers: "Depth: " + depth + "\r\n" + xmlType, body: []byte(body)}
	return c.ask(q, 207)
}

// whole looks for each file of a layout, and its folders.
func whole(r response, l layout) error {
	n := l.count()
	return listed(r, l.resources(), n, l.file(0), l.file(n/2), l.file(n-1))
}

// listed checks a multistatus: how many resources it tells, how many of them are
// files of the usual size, and that some names are among them.
func listed(r response, resources, files int, names ...string) error {
	if n := countResponses(r.body); n != resources {
		return wrong("%s listed %d resources, not %d", r.request, n, resources)
	}
	size := fmt.Appendf(nil, "getcontentlength>%d</", fileSize)
	if n := bytes.Count(r.body, size); n != files {
		return wrong("%s listed %d files of %d bytes, not %d", r.request, n, fileSize, files)
	}
	return mentions(r, names...)
}

// mentions looks for hrefs that end in the names.
func mentions(r response, names ...string) error {
	for _, name := range names {
		if !bytes.Contains(r.body, []byte("/"+name+"</")) {
			return wrong("%s does not list %s", r.request, name)
		}
	}
	return nil
}

// countResponses counts the end tags named response, whatever the prefix. It is
// no XML parser, which would take longer than the fastest server.
func countResponses(body []byte) int {
	n := 0
	for {
		i := bytes.Index(body, []byte("</"))
		if i < 0 {
			return n
		}
		body = body[i+2:]
		end := bytes.IndexByte(body, '>')
		if end < 0 {
			return n
		}
		tag := bytes.TrimSpace(body[:end])
		if colon := bytes.IndexByte(tag, ':'); colon >= 0 {
			tag = tag[colon+1:]
		}
		if string(tag) == "response" {
			n++
		}
		body = body[end:]
	}
}
