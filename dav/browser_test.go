package dav_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
)

// browserPatience is how long a test waits for what a page does.
const browserPatience = 60 * time.Second

// A browser is a headless Chromium with one page, driven by the DevTools protocol
// over a pair of pipes.
type browser struct {
	t       *testing.T
	out     *os.File
	in      chan message
	id      int
	session string
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
}

// browse starts the browser with a page that signs in as the user, or skips the
// test where there is none.
func browse(t *testing.T, user string) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes a while to start")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	theirs, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.ExtraFiles = []*os.File{theirs, ours} // 3 and 4, as the browser expects
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	ours.Close()
	b := &browser{t: t, out: out, in: make(chan message, 1000)}
	go b.listen(in)
	t.Cleanup(func() {
		out.Close()
		cmd.Process.Kill()
		cmd.Wait()
		in.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.call("Page.enable", nil, nil)
	b.call("Network.enable", nil, nil)
	secret := base64.StdEncoding.EncodeToString([]byte(user + ":" + davtest.Password))
	b.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Authorization": "Basic " + secret}}, nil)
	return b
}

func (b *browser) listen(in *os.File) {
	defer close(b.in)
	r := bufio.NewReader(in)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) == nil {
			b.in <- m
		}
	}
}

// call sends a command that succeeds.
func (b *browser) call(method string, params any, result any) {
	b.t.Helper()
	if err := b.try(method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// try sends a command and waits for its result. Meanwhile it says yes, and
// "renamed.txt", to every dialog.
func (b *browser) try(method string, params any, result any) error {
	b.t.Helper()
	id := b.send(method, params)
	deadline := time.After(browserPatience)
	for {
		select {
		case m, open := <-b.in:
			switch {
			case !open:
				b.t.Fatalf("%s: the browser has ended", method)
			case m.Method == "Page.javascriptDialogOpening":
				b.send("Page.handleJavaScriptDialog", map[string]any{"accept": true, "promptText": "renamed.txt"})
			case m.ID == id && m.Error != nil:
				return fmt.Errorf("%s: %s", method, m.Error)
			case m.ID == id && result != nil:
				return json.Unmarshal(m.Result, result)
			case m.ID == id:
				return nil
			}
		case <-deadline:
			b.t.Fatalf("%s: no answer", method)
		}
	}
}

func (b *browser) send(method string, params any) int {
	b.t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	if params == nil {
		raw = nil
	}
	b.id++
	text, err := json.Marshal(message{ID: b.id, Method: method, Params: raw, SessionID: b.session})
	if err == nil {
		_, err = b.out.Write(append(text, 0))
	}
	if err != nil && !errors.Is(err, os.ErrClosed) {
		b.t.Fatal(err)
	}
	return b.id
}

// eval is the value of an expression in the page, as text. A page that goes away
// meanwhile has none.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	if err := b.try("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r); err != nil {
		return err.Error()
	}
	if r.ExceptionDetails != nil {
		return fmt.Sprint("exception: ", r.ExceptionDetails)
	}
	return fmt.Sprint(r.Result.Value)
}

// open goes to a URL and waits for its page.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.await(`document.body && document.body.classList.contains('ready') && location.href`, url)
}

// await waits until an expression has that text in its value.
func (b *browser) await(expression, want string) string {
	b.t.Helper()
	got := ""
	for deadline := time.Now().Add(browserPatience); time.Now().Before(deadline); {
		// The page itself waits, a little, between two looks.
		got = b.eval(`new Promise(r => setTimeout(() => r(String(` + expression + `)), 20))`)
		if strings.Contains(got, want) {
			return got
		}
	}
	b.t.Fatalf("%s: %q and not %q", expression, got, want)
	return ""
}

// drop drops a file of this machine on the page.
func (b *browser) drop(file string) {
	b.t.Helper()
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		b.call("Input.dispatchDragEvent", map[string]any{"type": kind, "x": 60, "y": 60,
			"data": map[string]any{"items": []any{}, "files": []string{file}, "dragOperationsMask": 1}}, nil)
	}
}

// choose gives a file of this machine to the button for uploads.
func (b *browser) choose(file string) {
	b.t.Helper()
	var doc struct{ Root struct{ NodeID int } }
	b.call("DOM.getDocument", nil, &doc)
	var input struct{ NodeID int }
	b.call("DOM.querySelector", map[string]any{"nodeId": doc.Root.NodeID, "selector": "#files"}, &input)
	b.call("DOM.setFileInputFiles", map[string]any{"files": []string{file}, "nodeId": input.NodeID}, nil)
}

const (
	pageRows = `[...document.querySelectorAll('tbody th bdi')].map(e => e.textContent).join('|')`
	pageSays = `document.getElementById('say').textContent`
)

// TestBrowser uses the page as a person does: looks, sorts, uploads by dropping
// and by the button, makes a folder, renames, deletes, and is told in words what is refused.
func TestBrowser(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	b := browse(t, "mia")
	mia.Do("PUT", "/dav/home/large.txt", content("x", 2000)).Want(t, 201)
	mia.Do("PUT", "/dav/home/"+escapeAll(`"><script>document.title='owned'<`), "x").Want(t, 201)
	b.open(s.URL + "/dav/home/")
	b.await(pageRows, `"><script>document.title='owned'<|large.txt`)
	if title := b.eval("document.title"); title != "home – Davit" {
		t.Errorf("the title is %q", title)
	}
	b.eval(`document.querySelectorAll('#columns a')[1].click()`)
	b.await(`location.search + `+pageRows, `?sort=size"><script>`)
	b.eval(`document.querySelectorAll('#columns a')[1].click()`)
	b.await(`location.search + `+pageRows, `?sort=-sizelarge.txt|`)

	file := filepath.Join(t.TempDir(), "dropped ü#1.txt")
	if err := os.WriteFile(file, []byte("dropped"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open(s.URL + "/dav/home/")
	b.drop(file)
	b.await(pageRows, "dropped ü#1.txt")
	mia.Do("GET", "/dav/home/"+escapeAll("dropped ü#1.txt"), "").Want(t, 200, "dropped")

	// Over a file that is there, after a question.
	if err := os.WriteFile(file, []byte("dropped again"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.await(`document.body.classList.contains('ready')`, "true")
	b.choose(file)
	b.await(`document.querySelector('span[title="13 bytes"]') !== null`, "true")
	mia.Do("GET", "/dav/home/"+escapeAll("dropped ü#1.txt"), "").Want(t, 200, "dropped again")

	b.await(`document.body.classList.contains('ready')`, "true")
	b.eval(`document.getElementById('mkdir').click()`)
	b.await(`document.querySelector('.folder bdi')?.textContent`, "renamed.txt")
	mia.Do("PROPFIND", "/dav/home/renamed.txt/", "", "Depth", "0").Want(t, 207, "collection")
	b.await(`document.body.classList.contains('ready')`, "true")
	b.eval(`document.querySelector('[data-rename][data-name="large.txt"]').click()`)
	b.await(pageSays, "Something of this name is there already.")
	mia.Do("DELETE", "/dav/home/renamed.txt/", "").Want(t, 204)

	b.eval(`document.querySelector('[data-rename][data-name="large.txt"]').click()`)
	b.await(`document.querySelector('.text a[href$="renamed.txt"]') !== null && document.body.classList.contains('ready')`, "true")
	b.eval(`document.querySelector('[data-delete][data-name="renamed.txt"]').click()`)
	b.await(`document.body.classList.contains('ready') && !`+pageRows+`.includes('renamed.txt')`, "true")
	mia.Do("GET", "/dav/home/renamed.txt", "").Want(t, 404)
}

// TestBrowserTellsRefusals: a right that is taken away while the page is open, and
// a drive that is full.
func TestBrowserTellsRefusals(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=manager", "user:max=editor")
	b := browse(t, "max")
	file := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(file, []byte(content("a", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open(s.URL + "/dav/Team/")
	s.Quota("Team", 1000)
	b.drop(file)
	if said := b.await(pageSays, "not enough room"); !strings.Contains(said, "under decision ") {
		t.Errorf("no decision is named: %s", said)
	}
	s.Level("Team", "user:max", "viewer")
	b.drop(file)
	if said := b.await(pageSays, "not allowed"); !strings.Contains(said, "under decision ") {
		t.Errorf("no decision is named: %s", said)
	}
	b.open(s.URL + "/dav/Team/")
	if shown := b.eval(`'add' in document.getElementById('listing').dataset`); shown != "false" {
		t.Error("uploading is offered without the right")
	}
}
