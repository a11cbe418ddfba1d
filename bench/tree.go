package main

import (
	"fmt"
	"strings"
	"time"
)

// trees are the operations on a whole folder that a good server does without
// touching what is inside.
func trees(s scale) []workload {
	of := fmt.Sprintf(" of a folder of %d files", s.treeFiles)
	return []workload{
		{
			name: "MOVE" + of, connections: 1, batches: 5,
			unit: perMilli, bar: bar{atMost: 2 * time.Millisecond},
			prepare: func(b *batch) error {
				b.name = b.fresh("moved") + "/"
				return needTree(b)
			},
			run:   func(b *batch) (int, error) { return single(transfer(b, "MOVE", b.tree, b.name)) },
			check: moved,
		},
		{
			name: "COPY" + of, connections: 1, batches: 3,
			unit: perMilli, bar: bar{atMost: 100 * time.Millisecond},
			prepare: func(b *batch) error {
				b.name = b.fresh("copy") + "/"
				return needTree(b)
			},
			run: func(b *batch) (int, error) { return single(transfer(b, "COPY", b.tree, b.name)) },
			check: func(b *batch) error {
				for _, folder := range []string{b.tree, b.name} {
					if err := holdsTree(b, folder); err != nil {
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
				if err := needTree(b); err != nil {
					return err
				}
				b.name = b.fresh("doomed") + "/"
				return transfer(b, "COPY", b.tree, b.name)
			},
			run: func(b *batch) (int, error) { return single(remove(b.one(), b.name)) },
			check: func(b *batch) error {
				if err := gone(b.one(), b.name); err != nil {
					return err
				}
				return holdsTree(b, b.tree)
			},
		},
	}
}

// transfer moves or copies to a name that is free.
func transfer(b *batch, method, from, to string) error {
	q := request{method: method, path: from, headers: "Destination: " + b.url(to) + "\r\nOverwrite: F\r\n"}
	_, err := b.one().ask(q, 201)
	return err
}

// moved looks at both ends and remembers where the tree is now.
func moved(b *batch) error {
	from := b.tree
	if err := holdsTree(b, b.name); err != nil {
		return err
	}
	b.tree = b.name
	return gone(b.one(), from)
}

// holdsTree counts a folder and compares one file in it.
func holdsTree(b *batch, folder string) error {
	r, err := propfind(b.one(), folder, "1", fileManagerProperties)
	if err != nil {
		return err
	}
	if err := wholeTree(r, b.scale); err != nil {
		return err
	}
	name := treeName(b.scale.treeFiles / 2)
	return get(b.one(), folder+name, contentOf(name, fileSize))
}

func gone(c *client, path string) error {
	q := request{method: "PROPFIND", path: strings.TrimSuffix(path, "/"), headers: "Depth: 0\r\n"}
	_, err := c.ask(q, 404)
	return err
}
