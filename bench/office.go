package main

import "fmt"

const lockBody = `<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
	`<D:locktype><D:write/></D:locktype><D:owner>bench</D:owner></D:lockinfo>`

// lockPair locks and unlocks, each client a file of its own.
func lockPair() workload {
	return workload{
		name: "LOCK + UNLOCK, 16 connections", connections: 16, batches: 1,
		// Half as much again as Apache, which keeps its locks on disk too. Where
		// it is not installed: it did 0.23 times what naive did in memory.
		unit: perSecond, bar: bar{naive: 0.34, apache: 1.5},
		prepare: needSmall,
		run: func(b *batch) (int, error) {
			return b.parallel(func(c *client, worker, _ int) error {
				token, err := lock(c, smallName(worker))
				if err != nil {
					return err
				}
				return unlock(c, smallName(worker), token)
			})
		},
		check: locksHold,
	}
}

// locksHold writes to a file that was unlocked, and may not while it is locked.
func locksHold(b *batch) error {
	c, name := b.one(), smallName(0)
	write := request{method: "PUT", path: name, upload: contentOf(name, fileSize)}
	if _, err := c.ask(write, 200, 201, 204); err != nil {
		return err
	}
	token, err := lock(c, name)
	if err != nil {
		return err
	}
	if _, err := c.ask(write, 423); err != nil {
		return err
	}
	return unlock(c, name, token)
}

// lock answers the token in its angle brackets.
func lock(c *client, path string) (string, error) {
	q := request{method: "LOCK", path: path, headers: "Depth: 0\r\nTimeout: Second-600\r\n" + xmlType, body: []byte(lockBody)}
	r, err := c.ask(q, 200)
	if err == nil && r.lockToken == "" {
		err = wrong("LOCK %s gave no token", path)
	}
	return r.lockToken, err
}

func unlock(c *client, path, token string) error {
	_, err := c.ask(request{method: "UNLOCK", path: path, headers: "Lock-Token: " + token + "\r\n"}, 204)
	return err
}

// officeTurn is what an office program does to a mounted folder when its user
// opens, saves and saves again, eight of them in one folder.
func officeTurn() workload {
	return workload{
		name:        fmt.Sprintf("office turn, %d users", officeUsers),
		connections: officeUsers, batches: 1, unit: perSecond, bar: bar{naive: 2},
		prepare: needOffice,
		run: func(b *batch) (int, error) {
			return b.parallel(func(c *client, user, _ int) error { return turn(b, c, user) })
		},
		check: func(b *batch) error {
			for user, c := range b.reports {
				if err := get(b.one(), officeName(user), c); err != nil {
					return err
				}
			}
			r, err := propfind(b.one(), "office/", "1", fileManagerProperties)
			if err != nil {
				return err
			}
			return officeListed(r)
		},
	}
}

// turn is one user's: look, open, save in place under a lock, save through a
// temporary file.
func turn(b *batch, c *client, user int) error {
	name := officeName(user)
	if err := lookAndOpen(b, c, user); err != nil {
		return err
	}
	token, err := lock(c, name)
	if err != nil {
		return err
	}
	saved := contentOf(b.version(user), officeDocument)
	save := request{method: "PUT", path: name, headers: "If: (" + token + ")\r\n", upload: saved}
	_, err = c.ask(save, 200, 201, 204)
	if err == nil {
		b.reports[user] = saved
		err = unlock(c, name, token)
	}
	if err != nil {
		return err
	}
	temporary := fmt.Sprintf("office/~report-%d.tmp", user)
	saved = contentOf(b.version(user), officeDocument)
	if _, err := c.ask(request{method: "PUT", path: temporary, upload: saved}, 200, 201, 204); err != nil {
		return err
	}
	replace := request{method: "MOVE", path: temporary, headers: "Destination: " + b.url(name) + "\r\nOverwrite: T\r\n"}
	if _, err := c.ask(replace, 204); err != nil {
		return err
	}
	b.reports[user] = saved
	return nil
}

// lookAndOpen notes a wrong listing and goes on, as the program would: a turn
// cut short would make a server that lists wrong look slower than it is.
func lookAndOpen(b *batch, c *client, user int) error {
	r, err := propfind(c, "office/", "1", fileManagerProperties)
	if err != nil {
		return err
	}
	if err := b.tolerate(officeListed(r)); err != nil {
		return err
	}
	return get(c, officeName(user), b.reports[user])
}

// officeListed looks for every document, also those that others are replacing
// just now; their temporary files may be seen or not.
func officeListed(r response) error {
	if n := countResponses(r.body); n < officeUsers+officeOthers+1 || n > 2*officeUsers+officeOthers+1 {
		return wrong("%s listed %d resources, not %d", r.request, n, officeUsers+officeOthers+1)
	}
	for i := range officeUsers + officeOthers {
		if err := mentions(r, officeName(i)); err != nil {
			return err
		}
	}
	return nil
}

// version names the user's next content, which no other has had.
func (b *batch) version(user int) string {
	b.saves[user]++
	return fmt.Sprintf("%s, version %d", officeName(user), b.saves[user])
}
