package imip

import "bytes"

// Written is the letter as it is sent.
func Written(l Letter, from string) ([]byte, error) {
	m, err := (&Server{From: from}).compose(l)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = m.WriteTo(&b)
	return b.Bytes(), err
}
