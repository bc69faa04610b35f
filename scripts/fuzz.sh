#!/usr/bin/env bash
# fuzz.sh MODULE TIME: runs every fuzz target of a Go module for TIME, one after
# the other, and says at the end which of them found something. What one finds
# is kept by the go command in the package's testdata/fuzz.
set -euo pipefail
cd "$1"
time=$2
targets=$(go test -list '^Fuzz' ./... | awk '
	/^Fuzz/ { names[++n] = $1 }
	/^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }
	/^[?]/ { n = 0 }')
if [ -z "$targets" ]; then
	echo "no fuzz targets in $1"
	exit 0
fi
echo "$(wc -l <<<"$targets") fuzz targets in $1, $time each"
failed=()
while read -r package name; do
	echo "== $package $name"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package" </dev/null || failed+=("$package $name")
done <<<"$targets"
if [ ${#failed[@]} -gt 0 ]; then
	printf 'FOUND: %s\n' "${failed[@]}"
	exit 1
fi
echo "nothing found"
