package main

import (
	"time"

	"davit/dav"
)

// limits bound what clients take of the server's connections. There is none on
// a whole request: an upload or a download takes as long as it takes, and a slow one
// holds no transaction. Zero means no limit.
type limits struct {
	readHeader time.Duration // for the head of a request
	idle       time.Duration // between two requests of a connection
	header     int           // bytes of the head of a request
	pace       pace          // of a request's body, and of a client that reads its answer
	perAddress int           // connections open at a time from one address
	open       int           // connections open at a time
	uploads    dav.Uploads
}

var usualLimits = limits{
	readHeader: 10 * time.Second,
	idle:       2 * time.Minute,
	header:     64 << 10,
	pace:       pace{period: time.Minute, least: 4 << 10},
	perAddress: 512,
	open:       8192,
	uploads:    dav.Uploads{PerAccount: 256, Open: 1024},
}
