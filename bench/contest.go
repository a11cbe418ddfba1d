package main

import "path/filepath"

// A contest is one comparison: which servers, and what they are asked to do. The
// first of its servers is the yardstick.
type contest struct {
	place     string // of its table in a page
	peers     []peer
	beside    string // names of the peers to run unless the command line says otherwise
	workloads func(scale) []workload
	// servers are those to start; an empty binary leaves Davit out.
	servers func(o options, beside []*peer, binary, dir string) []*server
	notes   []string
}

var fileContest = contest{
	place: "table", peers: peers, beside: "apache,nginx,lighttpd", workloads: workloads, servers: fileServers,
	notes: []string{"davit: accounts, policy and durable writes on; apache: Basic, against an unsalted SHA-1; the others ask for no password"},
}

var calendarContest = contest{
	place: "calendar", peers: calendarPeers, beside: "radicale,xandikos", workloads: calendarWorkloads, servers: calendarServers,
	notes: []string{
		"davit: accounts, policy and durable writes on; radicale: Basic, against a password in plain text; xandikos asks for none",
		"radicale and xandikos have looked at every event once before they are measured, for as long as that takes",
		"one calendar of 10000 events over ten years, one in ten of them weekly for 30 weeks, some of these with an instance moved or left out; the month has events that happen once and instances of series",
	},
}

func fileServers(_ options, beside []*peer, binary, dir string) []*server {
	servers := []*server{newNaive(filepath.Join(dir, "naive"))}
	if binary != "" {
		servers = append(servers, newDavit(binary, filepath.Join(dir, "davit")))
	}
	for _, p := range beside {
		servers = append(servers, newPeer(p, filepath.Join(dir, p.name)))
	}
	return servers
}

func calendarServers(o options, beside []*peer, binary, dir string) (servers []*server) {
	for _, p := range beside {
		servers = append(servers, newCalendarPeer(p, filepath.Join(dir, p.name), o.scale.agenda))
	}
	if binary != "" {
		servers = append(servers, newDavitCalendars(binary, filepath.Join(dir, "davit")))
	}
	return servers
}
