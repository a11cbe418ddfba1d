package webpush_test

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"davit/dav/outward"
	"davit/dav/webpush"
	"davit/dav/webpush/webpushtest"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291, section 5 and appendix A.
func TestExampleOfTheRFC(t *testing.T) {
	t.Parallel()
	const content = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	sender, err := ecdh.P256().NewPrivateKey(bytesOf(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := ecdh.P256().NewPrivateKey(bytesOf(t, "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	auth := bytesOf(t, "BTBZMqHH6r4Tts7J_aSIgg")
	to := webpush.Subscription{PublicKey: receiver.PublicKey().Bytes(), Auth: auth}
	got, err := webpush.Seal(to, sender, bytesOf(t, "DGv6ra1nlYgDCS1FRnbzlw"), []byte("When I grow up, I want to be a watermelon"))
	if err != nil || base64.RawURLEncoding.EncodeToString(got) != content {
		t.Errorf("%s (%v)", base64.RawURLEncoding.EncodeToString(got), err)
	}
	if plain, err := webpushtest.Decrypt(receiver, auth, bytesOf(t, content)); string(plain) != "When I grow up, I want to be a watermelon" {
		t.Errorf("the receiver reads %q (%v)", plain, err)
	}
}

func sender(t *testing.T, s *webpushtest.Service) webpush.Sender {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return webpush.Sender{Key: key, Now: time.Now, Timeout: time.Minute, Contact: "mailto:ops@example.org",
		Door: outward.Door{Roots: s.Roots, Host: func(*url.URL) bool { return true }, Address: func(a netip.Addr) bool { return a.IsLoopback() }}}
}

func subscription(t *testing.T, r *webpushtest.Receiver) webpush.Subscription {
	return webpush.Subscription{Resource: r.Resource, PublicKey: bytesOf(t, r.PublicKey()), Auth: bytesOf(t, r.Auth())}
}

// A service takes what is sent, knows the sender again, and its receiver reads it.
func TestSend(t *testing.T) {
	t.Parallel()
	s := webpushtest.Start(t)
	by, to := sender(t, s), subscription(t, s.Subscribe("mia"))
	long := strings.Repeat("x", webpush.BodyMax)
	for _, body := range []string{"", "hello", long} {
		if err := by.Send(context.Background(), to, webpush.Message{Body: []byte(body), ContentType: "text/plain", TTL: time.Hour, Urgency: "low", Topic: "t"}); err != nil {
			t.Fatal(err)
		}
		got := s.Take()
		if len(got) != 1 || got[0].Body != body || got[0].TTL != "3600" || got[0].Urgency != "low" || got[0].Topic != "t" {
			t.Errorf("%+v", got)
		}
	}
	if err := by.Send(context.Background(), to, webpush.Message{Body: []byte(long + "x")}); err == nil {
		t.Error("too long a message was sent")
	}
	for name, broken := range map[string]webpush.Subscription{
		"no key":   {Resource: to.Resource, Auth: to.Auth},
		"no point": {Resource: to.Resource, Auth: to.Auth, PublicKey: append([]byte{4}, make([]byte, 64)...)},
		"no auth":  {Resource: to.Resource, PublicKey: to.PublicKey},
	} {
		var f *webpush.Fault
		if err := by.Send(context.Background(), broken, webpush.Message{}); !errors.As(err, &f) || !f.Refused() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := s.Take(); len(got) != 0 {
		t.Errorf("the service got %+v", got)
	}
}

// What a service answers says whether there is sense in trying again; it leads nowhere
// else.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := webpushtest.Start(t)
	by, to := sender(t, s), subscription(t, s.Subscribe("mia"))
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	by.Now = func() time.Time { return now }
	for _, row := range []struct {
		status        int
		after         string
		gone, refused bool
		wait          time.Duration
	}{
		{404, "", true, true, 0}, {410, "", true, true, 0}, {400, "", false, true, 0}, {403, "", false, true, 0}, {413, "", false, true, 0},
		{307, "", false, true, 0}, {429, "120", false, false, 2 * time.Minute}, {503, "Sun, 01 Mar 2026 12:10:00 GMT", false, false, 10 * time.Minute},
		{500, "nonsense", false, false, 0}, {408, "", false, false, 0}, {503, "Sun, 01 Mar 2026 11:10:00 GMT", false, false, 0},
	} {
		asked := 0
		s.Answer(row.after, func(*http.Request) int { asked++; return row.status })
		var f *webpush.Fault
		err := by.Send(context.Background(), to, webpush.Message{})
		if !errors.As(err, &f) || f.Gone() != row.gone || f.Refused() != row.refused || f.After != row.wait || asked != 1 {
			t.Errorf("%d: %+v after %d requests", row.status, err, asked)
		}
	}
	s.Answer("", nil)
	for name, edit := range map[string]func(*webpush.Sender){
		"a host that may not be asked": func(s *webpush.Sender) { s.Host = func(*url.URL) bool { return false } },
		"an address inside":            func(s *webpush.Sender) { s.Address = func(netip.Addr) bool { return false } },
		"an unknown certificate":       func(s *webpush.Sender) { s.Roots = nil },
		"nothing allowed":              func(s *webpush.Sender) { s.Door = outward.Door{} },
	} {
		no := by
		edit(&no)
		var f *webpush.Fault
		if err := no.Send(context.Background(), to, webpush.Message{}); !errors.As(err, &f) || f.Refused() || strings.Contains(f.Text, "mia") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := by.Send(ctx, to, webpush.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cut off: %v", err)
	}
	if got := s.Take(); len(got) != 0 {
		t.Errorf("the service got %+v", got)
	}
}
