# Plumbline. `make help` lists the targets; a laptop and CI run the same lines.

export CGO_ENABLED := 0
# Service discovery plug-ins that we leave out: they double the binary. Ours: static, file, HTTP and DNS.
TAGS    := remove_all_sd,enable_dns_sd
GOFLAGS := -tags=$(TAGS)
export GOFLAGS

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/plumbline-ml/plumbline/agent.version=$(VERSION)

# The profile that guides inlining, for our own packages only: with -pgo every dependency would be compiled a second
# time beside the tests' copy. Its checksum stands in the name because the build cache does not look into the file.
HOT     := bin/hot-$(shell cksum <agent/hot.pgo | cut -d' ' -f1).pgo
PGO     := -gcflags=github.com/plumbline-ml/plumbline/...=-pgoprofile=$(HOT)

.DEFAULT_GOAL := help
.PHONY: help build run test ci bench pgo gen fmt fmt-check vet lint race rules-check detection profiles soak scenarios clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(HOT) ## build bin/plumbline (static, stripped)
	go build -trimpath $(PGO) -ldflags '$(LDFLAGS)' -o bin/plumbline ./agent/cmd/plumbline

run: build ## run the demo: a model drifts, a feature freezes, both are paged and resolved
	./bin/plumbline demo

test: ## run all tests
	go test ./...

race: ## run all tests under the race detector, in random order (needs a C compiler)
	CGO_ENABLED=1 go test -race -shuffle=on ./...

$(HOT): agent/hot.pgo
	@mkdir -p bin && rm -f bin/hot-*.pgo && cp $< $@

bench: $(HOT) ## measure the hot path against wc -l and a bufio + encoding/json reader, and how it grows with lines, features and models
	go run $(PGO) ./agent/bench
	go run $(PGO) ./agent/bench -linear

pgo: ## profile the hot path anew into agent/hot.pgo, after it changed much (names of functions and how often they call each other; it changes nothing but speed)
	@mkdir -p bin
	go test -trimpath -run '^$$' -bench Replay -benchtime 10s -cpuprofile bin/hot.prof -o bin/hot.test ./internal/ingest
	go tool preprofile -i bin/hot.prof -o agent/hot.pgo

detection: ## simulate the detectors, alone and in the engine: false pages against the budget, delays against the published; PARALLEL=2 for two cores
	go run ./agent/detection/cmd $(if $(filter-out 0,$(SEED)),-seed $(SEED)) $(if $(PARALLEL),-parallel $(PARALLEL)) $(if $(DOCS),-docs $(DOCS))

profiles: ## compare the statistics from profiles with the exact ones, in 24 times as many cases as the tests
	@mkdir -p bin
	go test ./detectors -run TestProfilesAgreeWithExactStatistics -v -profile.seeds 24 > bin/profiles.txt; status=$$?; grep -v '^ *\(---\|===\)' bin/profiles.txt; exit $$status

scenarios: ## break a model in every way we know, alone and in season, beside innocent twins: who is paged, when, and what the page says
	go run ./agent/scenarios/cmd

DURATION ?= 10m
SEED     ?= 0
soak: build ## run the agent under kills, rotations and failures; DURATION=24h for a night, SEED=7 to repeat
	go run ./agent/soak/cmd -binary bin/plumbline -duration $(DURATION) -seed $(SEED)

gen: build ## regenerate everything that is generated and committed
	go generate ./...

fmt: ## format
	gofmt -w $$(git ls-files '*.go')

fmt-check:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not gofmt-ed:"; echo "$$out"; exit 1; fi

vet:
	go vet ./...

lint: ## staticcheck, pinned outside the product's go.mod
	go tool -modfile=internal/tools/staticcheck/go.mod staticcheck ./...

rules-check: build ## check and unit-test the shipped rule packs
	./bin/plumbline rules check rules/packs
	./bin/plumbline rules test rules/packs/tests rules/packs/tests/scenarios

ci: fmt-check vet lint test build rules-check ## what CI runs
	go generate ./...
	git diff --exit-code
	./bin/plumbline demo

clean: ## remove what was built
	rm -rf bin dist
