package main

import (
	"fmt"
	"strings"
	"time"
)

// trees are the operations on a whole folder that a good server does without
// touching what is inside.
func trees(s scale) []workload {
	of := fmt.Sprintf(" of a folder of %d files", s.tree.files)
	return []workload{
		movement(s.tree),
		movement(s.wide),
		{
			name: "COPY" + of, connections: 1, batches: 3,
			unit: perMilli, bar: bar{atMost: 100 * time.Millisecond},
			prepare: func(b *batch) error {
				b.name = b.fresh("copy") + "/"
				return s.tree.need(b)
			},
			run: func(b *batch) (int, error) { return single(transfer(b, "COPY", b.tops[s.tree.name], b.name)) },
			check: func(b *batch) error {
				for _, folder := range []string{b.tops[s.tree.name], b.name} {
					if err := holds(b, folder, s.tree); err != nil {
						return err
					}
				}
				return remove(b.one(), b.name)
			},
		},
		{
			name: "DELETE" + of, connections: 1, batches: 3,
			unit: perMilli, bar: bar{atMost: 2 * time.Millisecond},
			prepare: func(b *batch) error {
				if err := s.tree.need(b); err != nil {
					return err
				}
				b.name = b.fresh("doomed") + "/"
				return transfer(b, "COPY", b.tops[s.tree.name], b.name)
			},
			run: func(b *batch) (int, error) { return single(remove(b.one(), b.name)) },
			check: func(b *batch) error {
				if err := gone(b.one(), b.name); err != nil {
					return err
				}
				return holds(b, b.tops[s.tree.name], s.tree)
			},
		},
	}
}

// movement gives a folder another name. The bar is the same at any size.
func movement(l layout) workload {
	return workload{
		name: fmt.Sprintf("MOVE of a folder of %d files", l.files), connections: 1, batches: 5,
		unit: perMilli, bar: bar{atMost: 2 * time.Millisecond},
		prepare: func(b *batch) error {
			b.name = b.fresh("moved") + "/"
			return l.need(b)
		},
		run:   func(b *batch) (int, error) { return single(transfer(b, "MOVE", b.tops[l.name], b.name)) },
		check: func(b *batch) error { return moved(b, l) },
	}
}

// transfer moves or copies to a name that is free.
func transfer(b *batch, method, from, to string) error {
	q := request{method: method, path: from, headers: "Destination: " + b.url(to) + "\r\nOverwrite: F\r\n"}
	// lighttpd says 200 for a folder; the checks look at what was done.
	_, err := b.one().ask(q, 200, 201)
	return err
}

// moved looks at both ends and remembers where the folder is now.
func moved(b *batch, l layout) error {
	from := b.tops[l.name]
	if err := holds(b, b.name, l); err != nil {
		return err
	}
	b.tops[l.name] = b.name
	return gone(b.one(), from)
}

// holds counts a folder and compares one file in it.
func holds(b *batch, folder string, l layout) error {
	r, err := propfind(b.one(), folder, "1", fileManagerProperties)
	if err != nil {
		return err
	}
	if err := whole(r, l); err != nil {
		return err
	}
	name := l.file(l.files / 2)
	return get(b.one(), folder+name, contentOf(name, fileSize))
}

func gone(c *client, path string) error {
	q := request{method: "PROPFIND", path: strings.TrimSuffix(path, "/"), headers: "Depth: 0\r\n"}
	_, err := c.ask(q, 404)
	return err
}
