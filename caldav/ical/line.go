package ical

import "strings"

// name brings a name into the form of the model.
func name(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

// property reads an unfolded content line: RFC 5545, section 3.1.
func (d *decoder) property(content string) (Prop, error) {
	i := strings.IndexAny(content, ":;")
	if i < 0 {
		return Prop{}, d.wrong("RFC 5545, section 3.1", "the line has no colon")
	}
	prop := Prop{Name: name(content[:i])}
	if err := d.named(prop.Name); err != nil {
		return Prop{}, err
	}
	from := i
	for content[i] == ';' {
		key, values, after, err := d.param(content, i+1, from+ParamsMax)
		if err != nil {
			return Prop{}, err
		}
		if prop.Params == nil {
			prop.Params = Params{}
		}
		prop.Params[key] = append(prop.Params[key], values...)
		i = after
	}
	prop.Value = content[i+1:]
	return prop, nil
}

// named refuses what cannot be the name of a property or a parameter.
func (d *decoder) named(s string) error {
	if s == "" || len(s) > NameMax {
		return d.wrong("RFC 5545, section 3.1", "a name has no or more than %d bytes", NameMax)
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`",=`, c) >= 0 {
			return d.wrong("RFC 5545, section 3.1", "%q is no name", s)
		}
	}
	return nil
}

// param reads one parameter from i on, which has to end before a limit; after is the
// place of the semicolon or colon behind it.
func (d *decoder) param(content string, i, limit int) (key string, values []string, after int, err error) {
	eq := strings.IndexAny(content[i:], "=:;")
	if eq < 0 || content[i+eq] != '=' {
		return "", nil, 0, d.wrong("RFC 5545, section 3.2", "a parameter has no value")
	}
	key = name(content[i : i+eq])
	if err := d.named(key); err != nil {
		return "", nil, 0, err
	}
	for i += eq + 1; ; i++ {
		var value string
		if value, i, err = d.paramValue(content, i); err != nil {
			return "", nil, 0, err
		}
		if i > limit {
			return "", nil, 0, d.wrong("", "the parameters have more than %d bytes", ParamsMax)
		}
		values = append(values, value)
		if content[i] != ',' {
			return key, values, i, nil
		}
	}
}

// paramValue reads one value of a parameter; after is the place of the comma,
// semicolon or colon behind it.
func (d *decoder) paramValue(content string, i int) (value string, after int, err error) {
	if i < len(content) && content[i] == '"' {
		n := strings.IndexByte(content[i+1:], '"')
		if n < 0 {
			return "", 0, d.wrong("RFC 5545, section 3.2", "a quote is not closed")
		}
		after = i + 1 + n + 1
		if after == len(content) || strings.IndexByte(",;:", content[after]) < 0 {
			return "", 0, d.wrong("RFC 5545, section 3.2", "something stands behind a quoted value")
		}
		return content[i+1 : after-1], after, nil
	}
	n := strings.IndexAny(content[i:], `,;:"`)
	if n < 0 {
		return "", 0, d.wrong("RFC 5545, section 3.1", "the line has no colon")
	}
	if content[i+n] == '"' {
		return "", 0, d.wrong("RFC 5545, section 3.2", "a quote stands within a value")
	}
	return content[i : i+n], i + n, nil
}
