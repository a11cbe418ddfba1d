package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// Limits of a search.
const (
	PredicatesMax  = 200  // operators in one DAV:where
	OrdersMax      = 10   // DAV:order in one DAV:orderby
	LiteralSizeMax = 1024 // bytes
)

// What of a well-formed search is not to be had.
var (
	ErrGrammar = errors.New("the one grammar of searches is DAV:basicsearch")
	ErrQuery   = errors.New("the query cannot be answered")       // RFC 5323, section 2.4
	ErrScopes  = errors.New("a search has one scope, no more")    // RFC 5323, section 5.4
	ErrScope   = errors.New("the search has no scope it may use") // RFC 5323, section 5.4.2
)

// Search is the body of a SEARCH with the grammar DAV:basicsearch: RFC 5323,
// section 5.
type Search struct {
	// Schema asks what could be searched for in the scope, and searches nothing:
	// RFC 5323, section 4.
	Schema bool
	Select Propfind
	Scope  string // a URL as the client wrote it
	Depth  Depth
	Where  *Predicate // nil: everything
	Orders []Order
	Limit  int // most results wanted, -1 for any number
}

// An Order is one property to sort by.
type Order struct {
	Prop       xml.Name
	Descending bool
	Caseless   bool
}

// PredicateKind is what a Predicate asks.
type PredicateKind uint8

// The operators of DAV:basicsearch that are understood. DAV:not is true where
// the first of Of is false.
const (
	And PredicateKind = iota
	Or
	Not
	Equal
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	Like
	IsCollection
	IsDefined
)

// A Predicate is one operator of a DAV:where with its operands.
type Predicate struct {
	Kind     PredicateKind
	Of       []Predicate
	Prop     xml.Name
	Literal  string
	Caseless bool
}

var predicateKinds = map[xml.Name]PredicateKind{
	davName("and"): And, davName("or"): Or, davName("not"): Not,
	davName("eq"): Equal, davName("lt"): Less, davName("lte"): LessOrEqual, davName("gt"): Greater, davName("gte"): GreaterOrEqual,
	davName("like"): Like, davName("is-collection"): IsCollection, davName("is-defined"): IsDefined,
}

// ParseSearch reads the body of a SEARCH.
func ParseSearch(body []byte) (Search, error) {
	search := Search{Limit: -1}
	r, root, err := openDocument(body)
	if err != nil {
		return search, err
	}
	switch root.name {
	case davName("searchrequest"):
	case davName("query-schema-discovery"):
		search.Schema = true
	default:
		return search, wrongRoot(davName("searchrequest"))
	}
	grammars := 0
	err = r.each(func(child xml.Name) error {
		if grammars++; child != davName("basicsearch") {
			return ErrGrammar
		}
		return search.read(r)
	})
	if err == nil {
		err = r.finish()
	}
	if err == nil && grammars != 1 {
		err = fmt.Errorf("%w: a search must hold one basicsearch", ErrXML)
	}
	return search, err
}

// read reads a DAV:basicsearch. Of a schema discovery only the scope counts.
func (s *Search) read(r *reader) error {
	seen := map[xml.Name]int{}
	left := PredicatesMax
	err := r.each(func(child xml.Name) (err error) {
		seen[child]++
		switch child {
		case davName("select"):
			s.Select, err = r.selection()
		case davName("from"):
			err = s.from(r)
		case davName("where"):
			s.Where, err = r.where(&left)
		case davName("orderby"):
			err = s.orderBy(r)
		case davName("limit"):
			s.Limit, err = r.limit()
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, one := range []string{"select", "from", "where", "orderby", "limit"} {
		n, must := seen[davName(one)], one == "from" || one == "select" && !s.Schema
		if n > 1 || must && n == 0 {
			return r.fail("a basicsearch must hold select and from, and of each element one")
		}
	}
	return nil
}

// selection reads a DAV:select: RFC 5323, section 5.3.
func (r *reader) selection() (find Propfind, err error) {
	kinds := 0
	err = r.each(func(child xml.Name) error {
		switch child {
		case davName("allprop"):
			kinds++
		case davName("prop"):
			kinds, find.Kind = kinds+1, Props
			return r.names(&find.Props)
		}
		return nil
	})
	if err == nil && kinds != 1 {
		err = r.fail("a select must hold prop or allprop")
	}
	return find, err
}

// from reads a DAV:from: RFC 5323, section 5.4.
func (s *Search) from(r *reader) error {
	scopes := 0
	err := r.each(func(child xml.Name) error {
		if child != davName("scope") {
			return nil
		}
		if scopes++; scopes > 1 {
			return ErrScopes
		}
		return r.each(func(part xml.Name) (err error) {
			switch part {
			case davName("href"):
				s.Scope, err = r.word()
			case davName("depth"):
				s.Depth, err = r.depth()
			}
			return err
		})
	})
	if err == nil && (scopes == 0 || s.Depth == DepthAbsent) {
		err = r.fail("a from must hold a scope with href and depth")
	}
	return err
}

func (r *reader) depth() (Depth, error) {
	text, err := r.word()
	if err != nil {
		return DepthAbsent, err
	}
	depth, err := ParseDepth(text)
	if err != nil || depth == DepthAbsent {
		return DepthAbsent, r.fail("depth must be 0, 1 or infinity")
	}
	return depth, nil
}

// where reads a DAV:where, which holds one operator: RFC 5323, section 5.5.
func (r *reader) where(left *int) (*Predicate, error) {
	of, err := r.predicates(left)
	if err != nil {
		return nil, err
	}
	if len(of) != 1 {
		return nil, r.fail("a where must hold one operator")
	}
	return &of[0], nil
}

// predicates reads operators that stand beside each other, left is how many more
// there may be.
func (r *reader) predicates(left *int) (of []Predicate, err error) {
	err = r.elements(func(e event) error {
		if *left--; *left < 0 {
			return r.fail(fmt.Sprintf("there are more than %d operators", PredicatesMax))
		}
		kind, known := predicateKinds[e.name]
		if !known {
			// RFC 5323, section 5.5: what it means cannot be guessed
			return fmt.Errorf("%w: no operator %s", ErrQuery, e.name.Local)
		}
		p := Predicate{Kind: kind, Caseless: caseless(e.start)}
		var err error
		switch kind {
		case And, Or, Not:
			p.Of, err = r.predicates(left)
			if err == nil && (len(p.Of) == 0 || kind == Not && len(p.Of) > 1) {
				err = r.fail("and, or and not must hold operators, not only one")
			}
		case IsCollection:
		default:
			err = r.operands(&p)
		}
		of = append(of, p)
		return err
	})
	return of, err
}

// operands reads the property and the literal of a comparison.
func (r *reader) operands(p *Predicate) error {
	var props []xml.Name
	literals := 0
	err := r.each(func(child xml.Name) (err error) {
		switch child {
		case davName("prop"):
			err = r.names(&props)
		case davName("literal"), davName("typed-literal"):
			literals++
			p.Literal, err = r.text()
		default:
			err = fmt.Errorf("%w: no operand %s", ErrQuery, child.Local)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case len(props) != 1 || literals != 1 && p.Kind != IsDefined:
		return r.fail("a comparison must hold one property and one literal")
	case len(p.Literal) > LiteralSizeMax:
		return r.fail(fmt.Sprintf("a literal is longer than %d bytes", LiteralSizeMax))
	}
	p.Prop = props[0]
	return nil
}

// caseless tells whether a comparison ignores case. It does unless the client
// says no: RFC 5323, section 5.6 leaves that to us, and people look for names.
func caseless(start xml.StartElement) bool {
	return !strings.EqualFold(attribute(start, "caseless"), "no")
}

// orderBy reads a DAV:orderby: RFC 5323, section 5.6.
func (s *Search) orderBy(r *reader) error {
	return r.elements(func(e event) error {
		if e.name != davName("order") {
			return nil
		}
		if len(s.Orders) == OrdersMax {
			return r.fail(fmt.Sprintf("more than %d order", OrdersMax))
		}
		o := Order{Caseless: caseless(e.start)}
		var props []xml.Name
		err := r.each(func(child xml.Name) error {
			switch child {
			case davName("prop"):
				return r.names(&props)
			case davName("score"):
				return fmt.Errorf("%w: results have no score", ErrQuery)
			case davName("descending"):
				o.Descending = true
			}
			return nil
		})
		if err == nil && len(props) != 1 {
			err = r.fail("an order must hold one property")
		}
		if err != nil {
			return err
		}
		o.Prop = props[0]
		s.Orders = append(s.Orders, o)
		return nil
	})
}

// A SchemaProperty is one that searches know of, with its type in XML Schema.
type SchemaProperty struct {
	Name xml.Name
	Type string
}

// QuerySchema answers for a scope with what can be searched for in it, after
// Response: RFC 5323, section 4.1.
func (m *Multistatus) QuerySchema(code int, props []SchemaProperty) {
	m.Status(code)
	m.buf = append(m.buf, `<D:query-schema><D:basicsearchschema xmlns:xs="http://www.w3.org/2001/XMLSchema"><D:properties>`...)
	for _, p := range props {
		m.buf = append(m.buf, "<D:propdesc><D:prop>"...)
		m.buf = appendEmptyTag(m.buf, p.Name)
		m.buf = append(m.buf, "</D:prop><D:datatype><xs:"+p.Type+"/></D:datatype><D:searchable/><D:selectable/><D:sortable/></D:propdesc>"...)
	}
	m.buf = append(m.buf, "<D:propdesc><D:any-other-property/><D:datatype><xs:string/></D:datatype><D:searchable/><D:selectable/><D:sortable/></D:propdesc>"+
		"</D:properties><D:operators><D:opdesc><D:like/><D:operand-property/><D:operand-literal/></D:opdesc></D:operators>"+
		"</D:basicsearchschema></D:query-schema>"...)
}
