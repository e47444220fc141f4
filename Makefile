# Plumbline. `make help` lists the targets; a laptop and CI run the same lines.

export CGO_ENABLED := 0
# Service discovery plug-ins that we leave out: they double the binary. Ours: static, file, HTTP and DNS.
TAGS    := remove_all_sd,enable_dns_sd
GOFLAGS := -tags=$(TAGS)
export GOFLAGS

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/plumbline-ml/plumbline/agent.version=$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help build run test ci bench gen fmt fmt-check vet lint race rules-check detection soak scenarios clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/plumbline (static, stripped)
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/plumbline ./agent/cmd/plumbline

run: build ## run the demo: a model drifts, a feature freezes, both are paged and resolved
	./bin/plumbline demo

test: ## run all tests
	go test ./...

race: ## run all tests under the race detector, in random order (needs a C compiler)
	CGO_ENABLED=1 go test -race -shuffle=on ./...

bench: ## measure the hot path against wc -l and a bufio + encoding/json reader, and how it grows with lines, features and models
	go run ./agent/bench
	go run ./agent/bench -linear

detection: ## simulate the detectors, alone and in the engine: false pages against the budget, delays against the published; PARALLEL=2 for two cores
	go run ./agent/detection/cmd $(if $(filter-out 0,$(SEED)),-seed $(SEED)) $(if $(PARALLEL),-parallel $(PARALLEL)) $(if $(DOCS),-docs $(DOCS))

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
