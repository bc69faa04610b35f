#!/usr/bin/env bash
# Builds the documentation as a site in bin/site. What it needs of Python is
# installed in bin/site-tools, once for each requirements.txt.
#
#   build.sh          fails where that cannot be installed, and says so
#   build.sh -check   goes on then: for a machine that may be offline
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
tools=bin/site-tools

# missing says in one line why there is no site.
missing() {
	echo "docs: NOT BUILT: $1"
	[ "${check-}" ] && exit 0
	exit 1
}

# install does nothing where the pinned packages are there.
install() {
	local want log
	want=$(sha256sum "$here/requirements.txt" | cut -d' ' -f1)
	[ -f $tools/.lock ] && [ "$(<$tools/.lock)" = "$want" ] && return
	command -v python3 >/dev/null || missing "there is no python3"
	rm -rf $tools
	log=$(mktemp)
	python3 -m venv $tools >"$log" 2>&1 || missing "python3 -m venv: $(grep -m 1 . "$log") (Debian: apt-get install python3-venv)"
	timeout 180 $tools/bin/pip install --quiet --disable-pip-version-check --retries 1 --timeout 15 \
		--require-hashes --only-binary :all: -r "$here/requirements.txt" >"$log" 2>&1 ||
		missing "mkdocs-material cannot be installed, pip is out of reach or refuses: $(grep -m 1 ERROR "$log" || tail -n 1 "$log")"
	rm -f "$log"
	echo "$want" >$tools/.lock
}

case ${1-} in
-check) check=1 ;;
"") ;;
*)
	echo "usage: build.sh [-check]" >&2
	exit 2
	;;
esac

install
# With --quiet, strict would not count warnings. The theme's authors print an
# advertisement for what comes after MkDocs.
log=$(mktemp)
if ! NO_MKDOCS_2_WARNING=true $tools/bin/mkdocs build --clean --config-file "$here/mkdocs.yml" >"$log" 2>&1; then
	grep -v '^INFO' "$log"
	rm -f "$log"
	exit 1
fi
awk '/pages exist in the docs directory, but are not/ { on = 1; next }
	on && /^ *- / { print "docs: in no menu, name it in scripts/site/mkdocs.yml: " $2; next }
	{ on = 0 }' "$log"
rm -f "$log"

# A reader tells nobody but the site itself what is read.
if grep -rEo --include='*.html' '<(script|img|link|iframe|source)[^>]* (src|href)="?(https?:)?//[^" >]*' bin/site; then
	echo "docs: the site fetches the above from elsewhere"
	exit 1
fi
echo "docs: bin/site/index.html ($(find bin/site -name '*.html' | wc -l) pages, $(du -sh bin/site | cut -f1))"
