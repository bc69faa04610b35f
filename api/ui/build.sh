#!/usr/bin/env bash
# Builds the page from src/ into dist/, which is committed, so that a node can be
# built without Node.js. dist/SOURCES holds the sum of what dist/ was built from.
#
#   build.sh          build if the sources have changed; where that cannot be
#                     done, say so and go on with the committed files
#   build.sh -check   build elsewhere and compare with dist/; fails on a difference
#   build.sh -modules install what the build and the browser tests need
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The same sum is made by ui_test.go.
sources() {
	find index.html package.json package-lock.json svelte.config.js vite.config.js public src -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# modules installs the pinned packages, unless the present ones are those.
modules() {
	command -v npm >/dev/null || { echo "no npm"; return 1; }
	local want
	want=$(sha256sum package-lock.json | cut -d' ' -f1)
	[ -f node_modules/.lock ] && [ "$(<node_modules/.lock)" = "$want" ] && return
	local log
	log=$(mktemp)
	if ! timeout 180 npm ci --no-audit --no-fund --fetch-retries=1 --fetch-timeout=20000 >"$log" 2>&1; then
		grep -m 1 'npm error' "$log" || tail -n 1 "$log"
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
	echo "$want" >node_modules/.lock
}

# build says only what goes wrong.
build() {
	local log
	log=$(mktemp)
	if ! NODE_ENV=production node_modules/.bin/vite build --outDir "$1" --emptyOutDir >"$log" 2>&1; then
		cat "$log"
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
	sources >"$1/SOURCES"
}

case ${1-} in
-modules)
	modules
	;;
-check)
	modules
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
	build "$out"
	diff -r dist "$out" >/dev/null || { echo "api/ui/dist is not what its sources build; run make page and commit it"; exit 1; }
	echo "api/ui/dist is what its sources build"
	;;
"")
	[ -f dist/SOURCES ] && [ "$(<dist/SOURCES)" = "$(sources)" ] && exit 0
	echo "api/ui: the page's sources have changed, building it"
	if ! why=$(modules); then
		echo "api/ui: goes on with the committed page, its packages cannot be installed: $why"
		exit 0
	fi
	new=$(mktemp -d)
	trap 'rm -rf "$new"' EXIT
	build "$new"
	rm -rf dist
	mkdir dist
	cp "$new"/* dist/
	;;
*)
	echo "usage: build.sh [-check|-modules]" >&2
	exit 2
	;;
esac
