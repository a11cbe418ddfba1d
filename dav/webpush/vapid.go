package webpush

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// tokenLife is how long a token counts; services take none of more than a day.
// RFC 8292, section 2
const tokenLife = 12 * time.Hour

// claims say for which service and until when a token is. RFC 8292, section 2
type claims struct {
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Subject  string `json:"sub,omitempty"`
}

// sign adds who sends: a token for the service that is asked, and the key that it is
// signed with. RFC 8292, section 3
func (s Sender) sign(r *http.Request) error {
	c, err := json.Marshal(claims{r.URL.Scheme + "://" + r.URL.Host, s.Now().Add(tokenLife).Unix(), s.Contact})
	if err != nil {
		return err
	}
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + encode(c)
	sum := sha256.Sum256([]byte(token))
	x, y, err := ecdsa.Sign(rand.Reader, s.Key, sum[:])
	if err != nil {
		return err
	}
	signature := make([]byte, 64) // RFC 7518, section 3.4: both numbers at their full length
	x.FillBytes(signature[:32])
	y.FillBytes(signature[32:])
	public, err := s.Key.PublicKey.Bytes()
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "vapid t="+token+"."+encode(signature)+", k="+encode(public))
	return nil
}
