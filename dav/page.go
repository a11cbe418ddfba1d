package dav

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// The page for browsers: one document, whose style and script are in it and
// nowhere else.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string

	pageTemplate = template.Must(template.New("").Parse(pageHTML))
	// pagePolicy lets nothing run or load but these very texts, whatever stands in
	// the names of files.
	pagePolicy = "default-src 'none'; script-src " + hashSource(pageScript) + "; style-src " + hashSource(pageStyle) +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// sortMax is how many entries a page sorts, which it has to hold all at once. By
// name they come sorted, and any number is written as it is read.
const sortMax = 10_000

// A pageHead is what stands above the entries.
type pageHead struct {
	Title, Here, Note string
	Style             template.CSS
	Add               bool
	Crumbs            []crumb
	Columns           []column
}

type crumb struct{ Href, Name string }

// A column is one that entries are sorted by; its link sorts the other way when
// they are already.
type column struct{ Href, Name, Order string }

// page lists a collection for a browser.
func (rq *request) page() error {
	s := rq.session.Pinned()
	self, err := rq.self(s, store.Want{})
	if err != nil {
		return err
	}
	by := readOrder(rq.r.URL.Query().Get("sort"))
	list := rq.pages(s, store.Want{})
	note := ""
	if !by.isStored() && rq.r.Method != "HEAD" {
		sorted, whole, err := by.sorted(list)
		if err != nil {
			return err
		}
		if whole {
			list = onePage(sorted, nil)
		} else {
			by, note = order{}, "There are too many entries to sort; they are shown by name."
		}
	}
	h := rq.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	rq.w.WriteHeader(http.StatusOK)
	if rq.r.Method != "HEAD" {
		rq.writePage(&self, list, by, note)
	}
	return nil
}

// writePage writes entries as they come. The status is out: what goes wrong now
// breaks the answer off, lest half a listing pass for a whole one.
func (rq *request) writePage(self *member, list iter.Seq2[[]member, error], by order, note string) {
	w := bufio.NewWriterSize(rq.w, 32<<10)
	held := policy.Rights(0)
	if rq.kind == kindItem {
		held = self.Held
	}
	head := rq.pageHead(by)
	head.Add, head.Note = held&policy.Add != 0, note
	err := pageTemplate.ExecuteTemplate(w, "head", head)
	count := 0
	for page, listErr := range list {
		if listErr != nil {
			rq.h.log.Error("listing broke off", "path", loggedPath(rq.r), "error", listErr)
			panic(http.ErrAbortHandler)
		}
		for i := range page {
			if err != nil {
				return // the client has gone
			}
			err = pageTemplate.ExecuteTemplate(w, "row", pageRow(&page[i], held))
			count++
		}
	}
	if err == nil {
		pageTemplate.ExecuteTemplate(w, "foot", struct {
			Count  int
			Script template.JS
		}{count, template.JS(pageScript)})
	}
	w.Flush()
}

// pageHead tells where the page is and leads to the folders above it.
func (rq *request) pageHead(by order) pageHead {
	h := pageHead{Style: template.CSS(pageStyle)}
	names, prefix := rq.url, rq.mount.prefix
	var top string
	switch {
	case rq.kind == kindRoot:
		top, prefix = "Davit", ""
	case rq.kind == kindPrincipal:
		top, prefix = "Principals", principalPrefix
	case rq.session.IsLink():
		top = "Shared with you"
	default:
		top = "Files"
	}
	h.Title, h.Here = top, string(wire.AppendHref(nil, prefix, names, true))
	for i := range names {
		h.Crumbs = append(h.Crumbs, crumb{string(wire.AppendHref(nil, prefix, names[:i], true)), h.Title})
		h.Title = names[i]
	}
	for _, c := range []struct{ name, key string }{{"Name", "name"}, {"Size", "size"}, {"Modified", "time"}} {
		col := column{Href: "?sort=" + c.key, Name: c.name}
		switch {
		case by.key() == c.key && by.falling:
			col.Order = "descending"
		case by.key() == c.key:
			col.Order, col.Href = "ascending", "?sort=-"+c.key
		}
		h.Columns = append(h.Columns, col)
	}
	return h
}

// A pageEntry is one row. What may not be done is not offered.
type pageEntry struct {
	Href, Name, Kind string
	Size, Bytes      string // of a file
	Time, Stamp      string
	Rename, Delete   bool
}

// pageRow describes an entry of a collection in which the reader holds those
// rights; none of a collection that only leads to others.
func pageRow(m *member, held policy.Rights) pageEntry {
	e := pageEntry{Href: m.href(), Name: m.url[len(m.url)-1], Kind: "folder"}
	if !m.Dir {
		e.Kind, e.Bytes, e.Size = iconOf(mediaType(&m.Info)), strconv.FormatInt(m.Size, 10), sizeText(m.Size)
	}
	if !m.Modified.IsZero() {
		t := m.Modified.UTC()
		e.Time, e.Stamp = t.Format("2006-01-02 15:04"), t.Format(time.RFC3339)
	}
	e.Delete = held != 0 && m.Held&policy.Delete != 0
	e.Rename = e.Delete && held&policy.Add != 0
	return e
}

// iconOf is the class of a media type.
func iconOf(mediaType string) string {
	main, sub, _ := strings.Cut(mediaType, "/")
	switch sub, _, _ = strings.Cut(sub, ";"); {
	case sub == "calendar":
		return "calendar"
	case slices.Contains([]string{"image", "audio", "video", "text"}, main):
		return main
	case slices.Contains([]string{"zip", "gzip", "x-tar", "x-7z-compressed"}, sub):
		return "archive"
	}
	return "file"
}

// sizeText is a size as people read it.
func sizeText(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	size, unit := float64(n), 0
	for size >= 999.5 {
		size, unit = size/1000, unit+1
	}
	digits := 0
	if size < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(size, 'f', digits, 64) + " " + "BkMGTPE"[unit:unit+1] + "B"
}
