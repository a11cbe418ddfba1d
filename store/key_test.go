package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestTablesDiffer: two tables of one name would read each other's records.
func TestTablesDiffer(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "key.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(spec.Names[0].Name, "table") {
			return true
		}
		name, value := spec.Names[0].Name, spec.Values[0].(*ast.BasicLit).Value
		if other := of[value]; other != "" {
			t.Errorf("%s and %s are both %s", other, name, value)
		}
		of[value] = name
		return false
	})
	if len(of) < 40 {
		t.Errorf("only %d tables were found", len(of))
	}
}
