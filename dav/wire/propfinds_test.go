package wire_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"davit/dav/wire"
)

func asking(prop string) []byte {
	return fmt.Appendf(nil, `<propfind xmlns="DAV:"><prop><%s/></prop></propfind>`, prop)
}

// TestPropfindsAreParsed compares with the parser, the first time and again, for
// more bodies than are remembered, some of them wrong or too long to remember.
func TestPropfindsAreParsed(t *testing.T) {
	var finds wire.Propfinds
	bodies := [][]byte{nil, []byte("<propfind"), []byte(`<propfind xmlns="DAV:"><propname/></propfind>`), asking(strings.Repeat("x", 5000))}
	for i := range 100 {
		bodies = append(bodies, asking(fmt.Sprintf("p%d", i)))
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for _, body := range bodies {
				got, err := finds.Parse(body)
				want, wantErr := wire.ParsePropfind(body)
				if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%.60s: %+v, %v", body, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPropfindsAreRemembered(t *testing.T) {
	var finds wire.Propfinds
	body := asking("getetag")
	first, err := finds.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := finds.Parse(asking("getetag"))
	if &first.Props[0] != &again.Props[0] {
		t.Error("the same body is parsed twice")
	}
	copy(body[strings.Index(string(body), "getetag"):], "getetax")
	if other, _ := finds.Parse(body); other.Props[0].Local != "getetax" {
		t.Errorf("another body is taken for it: %v", other)
	}
}
