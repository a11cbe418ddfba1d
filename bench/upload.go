package main

import "fmt"

func uploads(s scale) []workload {
	return []workload{
		smallUploads(1, bar{}),
		smallUploads(16, bar{naive: 1.2}),
		{
			name: fmt.Sprintf("PUT %d MiB", s.bigSize>>20), connections: 1, batches: 3,
			unit: bandwidth(s.bigSize), bar: bar{naive: 0.8},
			prepare: func(b *batch) error {
				b.name = b.fresh("upload") + ".bin"
				return nil
			},
			run: func(b *batch) (int, error) {
				return single(put(b.one(), b.name, contentOf(b.name, b.scale.bigSize)))
			},
			check: func(b *batch) error {
				if err := get(b.one(), b.name, contentOf(b.name, b.scale.bigSize)); err != nil {
					return err
				}
				return remove(b.one(), b.name)
			},
		},
	}
}

// smallUploads creates files in a folder of the batch's own.
func smallUploads(connections int, asked bar) workload {
	return workload{
		name:        "PUT 1 KiB, new names, " + plural(connections, "connection"),
		connections: connections, batches: 1, unit: perSecond, bar: asked,
		prepare: func(b *batch) error {
			b.name = b.fresh("put") + "/"
			_, err := b.one().ask(request{method: "MKCOL", path: b.name}, 201)
			return err
		},
		run: func(b *batch) (int, error) {
			return b.parallel(func(c *client, worker, i int) error {
				name := uploadName(b.name, worker, i)
				return put(c, name, contentOf(name, fileSize))
			})
		},
		check: allUploaded,
	}
}

func uploadName(folder string, worker, i int) string {
	return fmt.Sprintf("%sw%02d-%06d.txt", folder, worker, i)
}

// allUploaded counts the folder and compares the first and the last file of each
// client.
func allUploaded(b *batch) error {
	r, err := propfind(b.one(), b.name, "1", fileManagerProperties)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range b.made {
		total += n
	}
	if err := listed(r, total+1, total); err != nil {
		return err
	}
	for worker, n := range b.made {
		for _, i := range []int{0, n - 1} {
			name := uploadName(b.name, worker, i)
			if err := get(b.one(), name, contentOf(name, fileSize)); err != nil {
				return err
			}
		}
	}
	return remove(b.one(), b.name)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
