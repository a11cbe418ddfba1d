package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// libreOffice writes a document, opens it again, changes and saves it, while max
// looks on: the lock is there as long as the document is open, and no longer.
func libreOffice(t *testing.T, s *site) {
	if out, err := exec.Command("/usr/bin/python3", "-c", "import uno").CombinedOutput(); err != nil {
		t.Skipf("python3-uno is not installed: %s", out)
	}
	max := s.colleague(t)
	const doc = "/dav/Team/R%C3%A9sum%C3%A9%20%231.odt"
	o := s.office(t, doc)

	o.until("stored")
	locked(t, max, doc)
	if text := max.odt(t, doc); !strings.Contains(text, "first") {
		t.Errorf("the document that was stored says %q", text)
	}
	o.until("closed")
	unlocked(t, max, doc)

	o.until("opened first")
	locked(t, max, doc)
	if text := max.odt(t, doc); !strings.Contains(text, "first") {
		t.Errorf("the document that is open says %q", text)
	}
	o.until("saved")
	locked(t, max, doc)
	if text := max.odt(t, doc); !strings.Contains(text, "second") || strings.Contains(text, "first") {
		t.Errorf("the document that was saved says %q", text)
	}
	o.until("closed")
	unlocked(t, max, doc)

	head, _ := max.want(t, 200, "LOCK", doc, lockBody)
	o.until("locked")
	o.until("opened second read-only")
	max.want(t, 204, "PUT", doc, "max's", "If", "("+head.Get("Lock-Token")+")")
	o.until("closed")
	max.want(t, 204, "UNLOCK", doc, "", "Lock-Token", head.Get("Lock-Token"))
	o.end()
	max.wantContent(t, doc, "max's")
	max.wantNames(t, "/dav/Team/", "R%C3%A9sum%C3%A9%20%231.odt")
}

// locked: somebody else is told who has the document open, and cannot write it.
func locked(t *testing.T, max *site, path string) {
	t.Helper()
	if _, body := max.want(t, 207, "PROPFIND", path, "", "Depth", "0"); !strings.Contains(body, "<D:activelock>") || !strings.Contains(body, "<D:exclusive/>") {
		t.Errorf("max sees no lock\n%s", body)
	}
	max.want(t, 423, "PUT", path, "mine")
	max.want(t, 423, "LOCK", path, lockBody)
}

func unlocked(t *testing.T, max *site, path string) {
	t.Helper()
	if _, body := max.want(t, 207, "PROPFIND", path, "", "Depth", "0"); strings.Contains(body, "<D:activelock>") {
		t.Errorf("max sees a lock\n%s", body)
	}
}

// odt reads the text part of an OpenDocument.
func (s *site) odt(t *testing.T, path string) string {
	t.Helper()
	_, body := s.want(t, 200, "GET", path, "")
	packed, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	if err != nil {
		t.Fatalf("%d bytes that are no document: %v", len(body), err)
	}
	part, err := packed.Open("content.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	text, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An office is LibreOffice at work, which waits after each step.
type office struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	said strings.Builder
}

func (s *site) office(t *testing.T, doc string) *office {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "/usr/bin/python3", "../../testdata/peers/libreoffice.py", s.url+doc, s.user, s.password, t.TempDir())
	cmd.Env = append(os.Environ(), "HOME="+s.home, "LC_ALL=C.UTF-8", "no_proxy=*")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	cmd.Stderr = &lockedBuffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.end)
	return o
}

// until lets it go on to the next step, which has to be the one that is named.
func (o *office) until(step string) {
	o.t.Helper()
	if o.said.Len() > 0 {
		io.WriteString(o.in, "\n") // one that has ended is found below
	}
	if !o.out.Scan() {
		o.t.Fatalf("LibreOffice ended before %q, after\n%s%s", step, &o.said, o.cmd.Stderr)
	}
	o.said.WriteString(o.out.Text() + "\n")
	if o.out.Text() != step {
		o.t.Fatalf("LibreOffice says %q instead of %q\n%s", o.out.Text(), step, o.cmd.Stderr)
	}
}

// end lets it finish, once.
func (o *office) end() {
	if o.cmd.ProcessState != nil {
		return
	}
	io.WriteString(o.in, "\n")
	o.in.Close()
	if err := o.cmd.Wait(); err != nil {
		o.t.Errorf("LibreOffice: %v\n%s", err, o.cmd.Stderr)
	}
}
