package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is one word of a line, or one option.
type token struct {
	option string // the name before the =, "" for a word
	text   string
	quoted bool
}

// split takes a line apart at its blanks, up to a comment.
func split(line string) ([]token, error) {
	var tokens []token
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			return tokens, nil
		}
		t, rest, err := next(line)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		line = rest
	}
}

// next takes the first token off a line.
func next(line string) (t token, rest string, err error) {
	t.option, line = cutOption(line)
	if strings.HasPrefix(line, `"`) {
		prefix, err := strconv.QuotedPrefix(line)
		if err != nil {
			return t, "", fmt.Errorf("a quote is open, or holds an unknown escape: %s", clip(line))
		}
		t.text, _ = strconv.Unquote(prefix) // what QuotedPrefix takes can be unquoted
		t.quoted, line = true, line[len(prefix):]
		if line != "" && line[0] != ' ' && line[0] != '\t' {
			return t, "", fmt.Errorf("leave a blank after %s", clip(prefix))
		}
		if !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			return t, "", fmt.Errorf("%s holds a control character, or no UTF-8", clip(prefix))
		}
		return t, line, nil
	}
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		end = len(line)
	}
	t.text = line[:end]
	if strings.Contains(t.text, `"`) {
		return t, "", fmt.Errorf("a quote inside of %s; quote all of it", clip(t.text))
	}
	return t, line[end:], nil
}

// cutOption takes the name of an option and its = off a line.
func cutOption(line string) (name, rest string) {
	end := strings.IndexFunc(line, func(c rune) bool { return c != '-' && (c < 'a' || c > 'z') })
	if end <= 0 || line[end] != '=' {
		return "", line
	}
	return line[:end], line[end+1:]
}

// quote writes a word as split reads it.
func quote(word string) string {
	option, _ := cutOption(word)
	if word == "" || word[0] == '#' || option != "" {
		return strconv.Quote(word)
	}
	return quoteValue(word)
}

// quoteValue is quote for what stands behind a =. What an eye may miss, such as a
// mark that turns the direction of writing, is escaped.
func quoteValue(value string) string {
	odd := func(c rune) bool { return c == ' ' || c == '"' || !strconv.IsPrint(c) }
	if strings.ContainsFunc(value, odd) {
		return strconv.Quote(value)
	}
	return value
}
