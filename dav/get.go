package dav

import (
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"

	"davit/dav/wire"
	"davit/store"
)

// get answers GET and HEAD: a file's bytes, or a page that lists a collection.
func get(rq *request) error {
	if rq.kind != kindItem {
		return rq.page()
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	f, err := rq.session.Open(rq.path, t)
	if errors.Is(err, store.ErrIsDir) {
		return rq.page()
	}
	if err != nil {
		// A shell may be listed, though there is nothing to read.
		var refused *store.Refused
		if errors.As(err, &refused) {
			if info, statErr := rq.session.Stat(rq.path, store.Want{}); statErr == nil && info.Dir {
				return rq.page()
			}
		}
		return err
	}
	defer f.Close()
	return rq.sendFile(f)
}

// sendFile answers with the bytes of a file, or what the request asks for of them.
func (rq *request) sendFile(f *store.File) error {
	rq.describe(f)
	if part := rq.r.Header.Get("Range"); part != "" && !strings.HasPrefix(part, "bytes=") {
		rq.r.Header.Del("Range") // RFC 9110, section 14.2: a unit that is not known is ignored
	}
	if !f.Private { // what a mask leaves is not what was hashed
		rq.tellDigests(&f.Entry, unconditional(rq.r.Header))
	}
	if err := rq.download(f); err != nil {
		return err
	}
	if small := f.Bytes(); small != nil && unconditional(rq.r.Header) {
		return rq.whole(f, small)
	}
	if blob := f.Blob(); blob != nil {
		rq.send(f.Size, f.Modified, blob)
	} else {
		http.ServeContent(rq.w, rq.r, "", f.Modified, f.Content())
	}
	return nil
}

// describe sets the headers of a file's content.
func (rq *request) describe(f *store.File) {
	h := rq.w.Header()
	h.Set("Etag", f.ETag())
	tellScheduleTag(h, &f.Entry)
	h.Set("Content-Type", mediaType(&f.Info))
	// What a client uploaded must not run as a page of this server.
	h["X-Content-Type-Options"] = noSniffing
	h["Content-Security-Policy"] = sandboxed
}

// Fields that are the same in every answer.
var (
	noSniffing = []string{"nosniff"}
	sandboxed  = []string{"sandbox"}
	byteRanges = []string{"bytes"}
)

// unconditional: nothing in the request asks for less than the whole file.
func unconditional(h http.Header) bool {
	for _, name := range [...]string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if h[name] != nil {
			return false
		}
	}
	return true
}

// whole answers with content that is in memory, the most frequent GET.
func (rq *request) whole(f *store.File, content []byte) error {
	h := rq.w.Header()
	h["Accept-Ranges"] = byteRanges
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Last-Modified", string(wire.AppendHTTPTime(nil, f.Modified)))
	rq.w.WriteHeader(http.StatusOK)
	if rq.r.Method != "HEAD" {
		rq.w.Write(content)
	}
	return nil
}

// mediaType is what the client said, or what the name suggests, which of a version
// is its file's.
func mediaType(i *store.Info) string {
	if i.Type != "" {
		return i.Type
	}
	name := i.Name
	if i.Origin != nil {
		name = i.Origin.Path[len(i.Origin.Path)-1]
	}
	if t := typesByExtension[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	return "application/octet-stream"
}

// typesByExtension holds what people keep in group folders; the system's own
// table differs from machine to machine.
var typesByExtension = map[string]string{
	".css": "text/css; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".htm": "text/html; charset=utf-8",
	".html": "text/html; charset=utf-8", ".ics": "text/calendar; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".md": "text/markdown; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".vcf": "text/vcard; charset=utf-8", ".xml": "text/xml; charset=utf-8",
	".pdf": "application/pdf", ".rtf": "application/rtf", ".zip": "application/zip", ".gz": "application/gzip",
	".7z": "application/x-7z-compressed", ".tar": "application/x-tar", ".epub": "application/epub+zip",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation",
	".bmp": "image/bmp", ".gif": "image/gif", ".heic": "image/heic", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
	".png": "image/png", ".svg": "image/svg+xml", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp",
	".aac": "audio/aac", ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav",
	".avi": "video/x-msvideo", ".mkv": "video/x-matroska", ".mov": "video/quicktime", ".mp4": "video/mp4", ".webm": "video/webm",
}
