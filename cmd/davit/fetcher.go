package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"davit/caldav"
	"davit/caldav/fetch"
	"davit/dav/outward"
	"davit/policy"
	"davit/store"
)

const (
	// fetchEvery is how often it is looked for calendars that are to be fetched.
	fetchEvery = time.Minute
	// fetchAgain is when what could not be fetched is tried again.
	fetchAgain = time.Hour
)

// A fetcher fetches the calendars of a store that are published elsewhere, one after
// the other, from where the settings let it.
type fetcher struct {
	op       *store.Operator
	settings func() policy.Settings
	now      func() time.Time
	log      *slog.Logger
}

func newFetcher(st *store.Store, log *slog.Logger) *fetcher {
	return &fetcher{op: st.Operator(), settings: func() policy.Settings { return st.Policy().Settings() }, now: st.Now, log: log}
}

// run fetches at every tick until ctx ends.
func (f *fetcher) run(ctx context.Context, tick <-chan time.Time) {
	for {
		f.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// round fetches what is to be fetched.
func (f *fetcher) round(ctx context.Context) {
	due, err := f.op.DuePublished()
	if err != nil {
		f.log.Error("reading which calendars are to be fetched failed", "error", err)
	}
	for i := range due {
		if err := f.one(ctx, due[i]); err != nil && ctx.Err() == nil {
			f.log.Error("keeping a calendar that was fetched failed", "calendar", due[i].Path, "error", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// one fetches a calendar and keeps it, or why it could not be fetched. What was there
// before stays then.
func (f *fetcher) one(ctx context.Context, p store.Published) error {
	var since fetch.Tags
	source := caldav.SourceOf(p.Props)
	if source == p.Source && p.Fault == "" && p.Tags != nil {
		if err := json.Unmarshal(p.Tags, &since); err != nil {
			return err
		}
	}
	by := fetch.Fetcher{Door: outward.Door{
		Host:    func(u *url.URL) bool { set := f.settings(); return set.Fetches(u) },
		Address: func(a netip.Addr) bool { set := f.settings(); return set.FetchesAt(a) },
	}}
	got, err := by.Get(ctx, source, since)
	if ctx.Err() != nil {
		return nil
	}
	var found caldav.Publication
	if err == nil && !got.Unchanged {
		found, err = caldav.Publish(got.Content, f.now())
	}
	switch {
	case err != nil:
		f.log.Warn("a calendar could not be fetched", "calendar", p.Path, "error", err)
		p.Fault, p.Next = err.Error(), f.now().Add(fetchAgain)
		return f.op.KeepPublished(ctx, p, nil)
	case got.Unchanged:
		p.Fault, p.Next = "", f.now().Add(p.Every)
		return f.op.KeepPublished(ctx, p, nil)
	}
	p.Source, p.Fault, p.Every, p.Next = source, "", found.Refresh, f.now().Add(found.Refresh)
	if p.Tags, err = json.Marshal(got.Tags); err != nil {
		return err
	}
	return f.op.KeepPublished(ctx, p, found.Objects)
}
