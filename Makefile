# Every target is one line of the README.
.DEFAULT_GOAL := build
.PHONY: build run check test peers fuzz bench soak proof clean

GO ?= go
FUZZTIME ?= 30s

build: ## builds ./davit
	$(GO) build -trimpath -o davit ./cmd/davit

run: build ## serves a demo organisation on loopback
	./davit demo --data demo

check: peers ## what every change has to pass: format, vet, all tests, real clients
	@test -z "$$(gofmt -l .)" || { echo "not gofmt'ed:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) mod verify
	$(GO) test -race -shuffle=on -timeout 40m -skip '^TestPeers$$' ./...
	@echo "real clients, by name and time, and why one was left out:"; \
	if $(GO) test -count=1 -timeout 20m -run '^TestPeers$$' -v ./cmd/davit >peers.log 2>&1; then grep -v '^=== ' peers.log; \
	else cat peers.log; exit 1; fi

test: ## the tests without the race detector and without the slow ones
	$(GO) test -short ./...

peers: ## installs the real clients that the tests drive, where it may
	@testdata/peers/install.sh

fuzz: ## feeds every parser FUZZTIME of inputs
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

bench: ## measures Davit beside other servers and writes docs/performance.md
	@bench/install.sh
	$(GO) run ./bench --markdown docs/performance.md
	$(GO) run ./bench --calendar --markdown docs/performance.md

soak: ## a minute of changes while every core asks, ten minutes of 200 clients, and the crash loop for an hour
	$(GO) test -race -run ChangesWhileAsked -v ./policy -soak 60s
	DAVIT_SOAK=10m $(GO) test -run '^TestSoak$$' -timeout 1h -v ./cmd/davit
	DAVIT_CRASH_ROUNDS=400 $(GO) test -run 'Crash' -timeout 3h -v ./cmd/davit

proof: ## plants a hundred bugs into the policy and tells which ones its tests miss
	$(GO) test -run 'TestMutants|TestBranches' -timeout 2h -v ./policy -proof

clean: ## removes what build and run made
	rm -rf davit demo peers.log
