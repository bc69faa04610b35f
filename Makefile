# Windrow. `make` alone lists what there is to make.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Everything that users run is built without C, so that it runs anywhere.
export CGO_ENABLED := 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The version is told by the linker; asking git from inside the build fails
# where a clone belongs to another user.
GOBUILD := go build -trimpath -buildvcs=false -ldflags='-s -w -X main.release=$(VERSION)'

# The Go modules of this repository; tools/ is built, not tested.
MODULES  := . sdk
EXAMPLES := $(notdir $(patsubst %/main.go,%,$(wildcard examples/wasm/*/main.go)))
# Examples in languages whose toolchains not everybody has are committed as Wasm.
PREBUILT := $(wildcard examples/wasm/*/*.wasm)

FUZZTIME   ?= 10m
BENCHTIME  ?= 1s
BENCHCOUNT ?= 5
TESTFLAGS  ?=
RACEFLAGS  ?=

##@ Use

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: page programs wasm ## bin/windrowd, bin/windrow and the examples in bin/wasm/

.PHONY: page
page: ## the page that windrowd embeds, if its sources have changed
	@api/ui/build.sh

.PHONY: programs
programs:
	@mkdir -p bin
	$(GOBUILD) -o bin/windrowd ./cmd/node
	$(GOBUILD) -o bin/windrow ./cmd/windrow

.PHONY: wasm
wasm: ## the example modules in bin/wasm/
	@mkdir -p bin/wasm
	@for name in $(EXAMPLES); do \
		echo "bin/wasm/$$name.wasm"; \
		mode=exe; if grep -qs '"github.com/windrow-dev/windrow/sdk/guest"' examples/wasm/$$name/*.go; then mode=c-shared; fi; \
		GOOS=wasip1 GOARCH=wasm go build -buildmode=$$mode -trimpath -buildvcs=false -ldflags='-s -w' -o "bin/wasm/$$name.wasm" "./examples/wasm/$$name"; \
	done
	@for file in $(PREBUILT); do \
		echo "bin/wasm/$${file##*/} (prebuilt)"; \
		cp "$$file" bin/wasm/; \
	done

.PHONY: demo
demo: build ## a node, modules, tasks and their results, before your eyes
	@go run ./examples/demo

.PHONY: docs
docs: ## the documentation as a site in bin/site/
	@scripts/site/build.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf bin

##@ Check

.PHONY: test
test: build toolchains ## all tests of all Go modules
	@status=0; for m in $(MODULES); do \
		(cd "$$m" && echo "go test ./... (in $$m)" && go test $(TESTFLAGS) ./...) || status=1; \
	done; exit $$status

.PHONY: toolchains
toolchains:
	@if ! internal/guests/build.sh -check; then \
		echo "tests go on: the test guests are not rebuilt, their committed modules are used (Debian: apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32 wabt)"; \
	fi

# The end-to-end tests are left out: the nodes that they start are built without
# the detector, which would only slow down what watches them.
.PHONY: race
race: build ## all tests under the race detector, which needs a C compiler
	@if ! command -v "$$(go env CC)" >/dev/null; then \
		echo "no C compiler ($$(go env CC)): the race detector cannot be built (Debian: apt-get install gcc libc6-dev)"; exit 1; \
	fi
	@status=0; for m in $(MODULES); do \
		(cd "$$m" && echo "go test -race (in $$m)" && CGO_ENABLED=1 go test -race $(RACEFLAGS) $$(go list ./... | grep -v -e /internal/e2e -e /examples/)) || status=1; \
	done; exit $$status

.PHONY: ui-test
ui-test: page programs ## the page in a headless Chromium
	@api/ui/test/run.sh

.PHONY: newcomer
newcomer: ## the README's first five minutes in a fresh clone, timed
	@scripts/newcomer.sh

.PHONY: vet
vet: ## go vet and gofmt
	@for m in $(MODULES); do (cd "$$m" && go vet ./...); done
	@bad=$$(find . \( -name .git -o -name node_modules -o -name testdata -o -path ./bin \) -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$bad" ]; then echo "not formatted; run gofmt -w on:"; echo "$$bad"; exit 1; fi

.PHONY: lint
lint: bin/tools/golangci-lint ## the linter, pinned in tools/go.mod
	@$< config verify
	@for m in $(MODULES); do (cd "$$m" && echo "golangci-lint (in $$m)" && "$(CURDIR)/$<" run --config "$(CURDIR)/.golangci.yaml" ./...); done

.PHONY: vuln
vuln: bin/tools/govulncheck ## known vulnerabilities in what is really called
	@for m in $(MODULES); do ./scripts/vuln.sh "$<" "$$m"; done

.PHONY: cross
cross: ## builds for other systems stay green
	@for target in darwin/arm64 darwin/amd64 linux/arm64; do \
		for m in $(MODULES); do \
			(cd "$$m" && echo "go build ./... for $$target (in $$m)" && GOOS=$${target%/*} GOARCH=$${target#*/} go build -buildvcs=false ./...); \
		done; \
	done

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10m)
	@for m in $(MODULES); do ./scripts/fuzz.sh "$$m" $(FUZZTIME); done

.PHONY: bench
bench: build ## the benchmarks, with a table at the end
	@./scripts/bench.sh $(BENCHTIME) $(BENCHCOUNT)

.PHONY: ci
ci: ## what every change must pass
	@bash .ci/run

##@ Make anew

.PHONY: guests
guests: ## the test guests in internal/guests/wasm/, from C and WAT
	internal/guests/build.sh

bin/tools/%: tools/go.mod tools/go.sum
	@echo "building the tools of tools/go.mod, once"
	go build -C tools -buildvcs=false -o ../bin/tools/ tool
	@touch $@
