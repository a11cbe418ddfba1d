package wire

import (
	"encoding/xml"
	"io"
)

// A Node is an element with what it holds, for bodies whose grammar is not known
// here. The limits of every body bound it.
type Node struct {
	Name  xml.Name
	Attrs []xml.Attr
	Text  string // all character data directly within
	Kids  []Node
}

// ParseTree reads a whole document.
func ParseTree(body []byte) (*Node, error) {
	r, top, err := openDocument(body)
	if err != nil {
		return nil, err
	}
	root := Node{Name: top.name, Attrs: top.start.Copy().Attr}
	if err := r.tree(&root); err != nil {
		return nil, err
	}
	return &root, r.finish()
}

// ParseFragment reads XML as a parser of this package left it in the value of a
// property.
func ParseFragment(inner []byte) ([]Node, error) {
	body := append(append([]byte("<x>"), inner...), "</x>"...)
	root, err := ParseTree(body)
	if err != nil {
		return nil, err
	}
	return root.Kids, nil
}

// tree reads the content of the element that was just started, up to its end.
func (r *reader) tree(n *Node) error {
	depth := len(r.open)
	for {
		e, err := r.next()
		if err == io.EOF {
			return r.fail("the document ends too early")
		}
		if err != nil {
			return err
		}
		switch {
		case e.kind == textEvent:
			n.Text += string(e.text)
		case e.kind == startEvent:
			kid := Node{Name: e.name, Attrs: e.start.Copy().Attr}
			if err := r.tree(&kid); err != nil {
				return err
			}
			n.Kids = append(n.Kids, kid)
		case len(r.open) < depth:
			return nil
		}
	}
}

// Kid is the first child of that name, nil for none.
func (n *Node) Kid(name xml.Name) *Node {
	for i := range n.Kids {
		if n.Kids[i].Name == name {
			return &n.Kids[i]
		}
	}
	return nil
}

// Attr is the value of an attribute without a namespace, empty if there is none.
func (n *Node) Attr(name string) string { return attribute(xml.StartElement{Attr: n.Attrs}, name) }

// Names are those of the children.
func (n *Node) Names() []xml.Name {
	names := make([]xml.Name, len(n.Kids))
	for i := range n.Kids {
		names[i] = n.Kids[i].Name
	}
	return names
}
