#!/usr/bin/env bash
# The page in a headless Chromium, against the node in bin/. Where the browser
# or its driver cannot be had, says so in one line and goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

browser() {
	for b in chromium chromium-browser google-chrome; do
		command -v "$b" && return
	done
	return 1
}

install_browser() {
	[ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
	export DEBIAN_FRONTEND=noninteractive
	{ timeout 120 apt-get -qq update && timeout 300 apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1
}

browser >/dev/null || install_browser || true
if ! CHROMIUM=$(browser); then
	echo "NOT CHECKED: no chromium for the page's tests (Debian: apt-get install chromium)"
	exit 0
fi
export CHROMIUM
if ! why=$(./build.sh -modules); then
	echo "NOT CHECKED: the page's tests need packages that cannot be installed: $why"
	exit 0
fi
./build.sh -check
exec node --test-timeout=110000 --test test/page.test.mjs
