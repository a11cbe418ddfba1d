package wire

import (
	"net/http"
	"strconv"
	"strings"
)

// PartialUpload is the media type of what is appended to an upload.
const PartialUpload = "application/partial-upload"

// InteropVersion is that of the draft of resumable uploads which is spoken:
// draft-ietf-httpbis-resumable-upload-12.
const InteropVersion = "8"

// ParseUploadComplete reads an Upload-Complete header. As the draft has it,
// section 4.1.2, a value that is no Boolean is as good as none.
func ParseUploadComplete(h http.Header) (complete, told bool) {
	switch item(h, "Upload-Complete") {
	case "?1":
		return true, true
	case "?0":
		return false, true
	}
	return false, false
}

// ParseUploadNumber reads an Upload-Offset or Upload-Length header, -1 for none and
// for a value that is no non-negative Integer of at most 15 digits.
func ParseUploadNumber(h http.Header, name string) int64 {
	value := item(h, name)
	if len(value) == 0 || len(value) > 15 || value[0] < '0' || value[0] > '9' {
		return -1
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// item is the value of an Item without its parameters, empty for a header that is
// not there once. RFC 9651, section 4.2.3
func item(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		value, _, _ := strings.Cut(values[0], ";")
		return strings.Trim(value, " \t")
	}
	return ""
}

// AppendUploadLimit appends an Upload-Limit header: the largest size in bytes, 0
// for any, and the age in seconds that is left.
func AppendUploadLimit(dst []byte, sizeMax, ageSeconds int64) []byte {
	if sizeMax > 0 {
		dst = append(strconv.AppendInt(append(dst, "max-size="...), sizeMax, 10), ", "...)
	}
	return strconv.AppendInt(append(dst, "max-age="...), ageSeconds, 10)
}
