package davit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// phrases are what the cases say in words of a request, and what is done about
// it. A body is one phrase or several, with semicolons between.
var phrases = []struct {
	says *regexp.Regexp
	heed func(x *exchange, m []string) error
}{
	{regexp.MustCompile(`^(If-Match|If-None-Match): (.+)$`), heedCondition},
	{regexp.MustCompile(`^(?:If: |with )(?:the |its )?(?:lock )?token$`), heedToken},
	{regexp.MustCompile(`^first half, then wait$`), heedHalf},
	{regexp.MustCompile(`^close after (\d+) bytes$`), heedClose},
	{regexp.MustCompile(`^(\d+) bytes, then the server is killed$`), heedKill},
	{regexp.MustCompile(`^disk full$`), heedDiskFull},
	{regexp.MustCompile(`^bad password(?: x(\d+))?$`), heedBadPassword},
	{regexp.MustCompile(`^while a change goes on$`), heedChange},
	{regexp.MustCompile(`^DAV:([a-z-]+)$`), heedProperty},
	{regexp.MustCompile(`^(sync-collection|sync-collection-since|free-busy-query|calendar-query|calendar-multiget)$`), heedReport},
	{regexp.MustCompile(`^(principal-[a-z-]+|acl-principal-prop-set)(?: (.+))?$`), heedReport},
	{regexp.MustCompile(`^grant (\S+) to (\S+)$`), heedGrant},
}

// heed does what the body of a request says in words.
func (x *exchange) heed(body string) error {
	for phrase := range strings.SplitSeq(body, ";") {
		if phrase = strings.TrimSpace(phrase); phrase == "" {
			continue
		}
		if err := x.heedOne(phrase); err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) heedOne(phrase string) error {
	for _, p := range phrases {
		if m := p.says.FindStringSubmatch(phrase); m != nil {
			return p.heed(x, m)
		}
	}
	return notYet(fmt.Sprintf("a request that says %q", phrase))
}

func heedCondition(x *exchange, m []string) error {
	value := m[2]
	switch value {
	case "current":
		etag, err := x.etag(x.do.At)
		if err != nil {
			return err
		}
		value = etag
	case "stale":
		value = `"stale"`
	}
	x.header(m[1], value)
	return nil
}

// heedToken submits the newest lock token of the path.
func heedToken(x *exchange, _ []string) error {
	token := x.tokens[x.do.At]
	if token == "" {
		return mistaken("no lock was taken on %s", x.do.At)
	}
	x.header("If", "("+token+")")
	return nil
}

// heedHalf leaves an upload in the middle, for a later "continue".
func heedHalf(x *exchange, _ []string) error {
	x.send = func() (*davtest.Response, string, error) {
		conn, rest, refused := x.sendPart(x.size / 2)
		if refused != nil {
			return refused, "", nil
		}
		x.uploads[x.do.Who+" "+x.do.At] = &upload{conn, rest}
		return nil, statusStarted, nil
	}
	return nil
}

// heedClose breaks the connection in the middle of an upload.
func heedClose(x *exchange, m []string) error {
	n, err := strconv.Atoi(m[1])
	x.send = func() (*davtest.Response, string, error) {
		conn, _, refused := x.sendPart(n)
		if refused != nil {
			return refused, "", nil
		}
		conn.Reset()
		x.server.Settle()
		return nil, statusClosed, nil
	}
	return err
}

// heedKill kills the server in the middle of an upload.
func heedKill(x *exchange, m []string) error {
	n, err := strconv.Atoi(m[1])
	x.send = func() (*davtest.Response, string, error) {
		_, _, refused := x.sendPart(n)
		if refused != nil {
			return refused, "", nil
		}
		x.server.Crash(x.options())
		return nil, statusClosed, nil
	}
	return err
}

// heedDiskFull sends the request to a server whose disk has nothing left beyond
// what it keeps free.
func heedDiskFull(x *exchange, _ []string) error {
	whole := x.send
	x.send = func() (*davtest.Response, string, error) {
		full := x.options()
		full.FreeMin = math.MaxInt64
		x.server.Restart(full)
		a, status, err := whole()
		x.server.Restart(x.options())
		return a, status, err
	}
	return nil
}

// heedBadPassword signs in with a wrong one, several times.
func heedBadPassword(x *exchange, m []string) error {
	times := 1
	if m[1] != "" {
		var err error
		if times, err = strconv.Atoi(m[1]); err != nil {
			return err
		}
	}
	x.client = x.server.AsSecret(x.do.Who, "a bad password")
	whole := x.send
	x.send = func() (a *davtest.Response, status string, err error) {
		for range times {
			if a, status, err = whole(); err != nil {
				break
			}
		}
		return a, status, err
	}
	return nil
}

// heedProperty asks for a property, beside those asked for already.
func heedProperty(x *exchange, m []string) error {
	if x.do.Method != "PROPFIND" {
		return mistaken("%s asks for no property", x.do.Method)
	}
	const head, tail = `<propfind xmlns="DAV:"><prop>`, `</prop></propfind>`
	asked := strings.TrimSuffix(strings.TrimPrefix(x.body, head), tail)
	x.body = head + asked + "<" + m[1] + "/>" + tail
	return nil
}

// heedReport asks for a report; a search is for a part of a name.
func heedReport(x *exchange, m []string) error {
	if err := reportThere(m[1]); err != nil {
		return err
	}
	if m[1] == "free-busy-query" {
		x.body = freeBusyQuery
		return nil
	}
	if strings.HasPrefix(m[1], "sync-collection") {
		x.body = x.syncBody(m[1])
		return nil
	}
	x.body = `<principal-property-search xmlns="DAV:"><property-search><prop><displayname/></prop><match>` + m[2] +
		`</match></property-search><prop><displayname/></prop></principal-property-search>`
	return nil
}

// syncBody asks for everything below a path, or for what changed there since who
// asks was told last.
func (x *exchange) syncBody(report string) string {
	lane := "sync " + x.do.Who + " " + x.do.At
	since := ""
	if report == "sync-collection-since" {
		since = x.tokens[lane]
	}
	whole := x.send
	x.send = func() (*davtest.Response, string, error) {
		a, status, err := whole()
		if a != nil {
			if told := elements(a.Body, named("sync-token")); len(told) > 0 {
				x.tokens[lane] = told[0]
			}
		}
		return a, status, err
	}
	return `<sync-collection xmlns="DAV:"><sync-token>` + since + `</sync-token><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>`
}

// heedGrant makes one line the whole list of the path.
func heedGrant(x *exchange, m []string) error {
	x.body = `<acl xmlns="DAV:"><ace><principal><href>/principals/users/` + m[2] + `/</href></principal>` +
		`<grant><privilege><` + m[1] + `/></privilege></grant></ace></acl>`
	return nil
}

// Sizes of the listing that a change falls into: more than the network holds in
// its buffers.
const (
	wideFiles     = 16
	wideDoublings = 8
)

// heedChange lets a change fall into the middle of a listing. Two folders with
// many files are hidden together: either all of them are listed or none.
func heedChange(x *exchange, _ []string) error {
	at := strings.TrimSuffix(x.do.At, "/")
	folders := []string{at + "/a-wide", at + "/z-wide"}
	if err := x.asHelper(folders, func(s *store.Session) error { return x.plantWide(s, folders) }); err != nil {
		return err
	}
	x.send = func() (*davtest.Response, string, error) {
		a, err := x.listAcross(func() error { return x.hide(folders) })
		if err != nil {
			return nil, "", err
		}
		const all = wideFiles << wideDoublings
		first, last := strings.Count(a.Body, "/a-wide/"), strings.Count(a.Body, "/z-wide/")
		if first != last || first != 0 && first < all {
			return nil, "", fmt.Errorf("%d entries of one folder are listed and %d of the other", first, last)
		}
		return a, "", nil
	}
	return nil
}

// plantWide makes folders with as many files by copying each into the next.
func (x *exchange) plantWide(s *store.Session, folders []string) error {
	first, err1 := x.storePath(folders[0])
	last, err2 := x.storePath(folders[1])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	ctx := context.Background()
	if _, err := s.Mkdir(ctx, first, store.Terms{}); err != nil {
		return err
	}
	for i := range wideFiles {
		if err := putFile(s, append(first[:len(first):len(first)], fmt.Sprintf("f%d", i)), ""); err != nil {
			return err
		}
	}
	for range wideDoublings {
		next := append(first[:len(first)-1:len(first)-1], "wide")
		_, err1 := s.Mkdir(ctx, next, store.Terms{})
		_, err2 := s.Copy(ctx, first, append(next[:len(next):len(next)], "0"), false, false, store.Terms{})
		_, err3 := s.Move(ctx, first, append(next[:len(next):len(next)], "1"), false, store.Terms{})
		_, err4 := s.Move(ctx, next, first, false, store.Terms{})
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
	}
	_, err := s.Copy(ctx, first, last, false, false, store.Terms{})
	return err
}

// hide puts a wall for the asker on each folder, all in one change.
func (x *exchange) hide(folders []string) error {
	u, err := x.userNamed(x.do.Who)
	if err != nil {
		return err
	}
	var walls []policy.Change
	for _, f := range folders {
		at, err := x.place(f)
		if err != nil {
			return err
		}
		walls = append(walls, policy.SetEntry{At: at, Entry: policy.Entry{Principal: u.ID, Deny: policy.All}})
	}
	return x.change(walls...)
}

// listAcross reads the head of an answer, has the change made, and reads the rest.
func (x *exchange) listAcross(change func() error) (*davtest.Response, error) {
	req, err := http.NewRequest(x.do.Method, x.server.URL+x.url, strings.NewReader(x.body))
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(x.headers); i += 2 {
		req.Header.Set(x.headers[i], x.headers[i+1])
	}
	req.SetBasicAuth(x.do.Who, davtest.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := change(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	return &davtest.Response{Method: x.do.Method, Path: x.url, Status: resp.StatusCode, Header: resp.Header, Body: string(body)}, err
}
