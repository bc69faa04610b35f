#!/usr/bin/env bash
# bench.sh TIME COUNT: runs every benchmark COUNT times for TIME each, and ends
# with a table of medians and spreads. What was measured stays in bin/bench.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p bin
go test -run '^$' -bench . -benchtime "$1" -count "$2" -timeout 2h ./... | tee bin/bench.txt | grep -v 'no test files'
echo
awk '
	/^pkg:/ { pkg = $2; sub(/^github.com\/windrow-dev\/windrow\/?/, "", pkg) }
	/^Benchmark/ {
		name = $1; sub(/^Benchmark/, "", name); sub(/-[0-9]+$/, "", name)
		for (i = 3; i < NF; i += 2) {
			key = pkg "\t" name "\t" $(i + 1)
			if (!(key in count)) order[++keys] = key
			value[key, ++count[key]] = $i
		}
	}
	# nice keeps four digits of what counts.
	function nice(x) { return x >= 1000 || x == int(x) ? sprintf("%.0f", x) : sprintf("%.4g", x) }
	# show writes a median with its unit, times in the one that fits.
	function show(x, unit) {
		if (unit != "ns/op") return sprintf("%14s %-10s", nice(x), unit)
		if (x < 1e3) return sprintf("%14s %-10s", nice(x), "ns")
		if (x < 1e6) return sprintf("%14s %-10s", sprintf("%.4g", x / 1e3), "µs")
		if (x < 1e9) return sprintf("%14s %-10s", sprintf("%.4g", x / 1e6), "ms")
		return sprintf("%14s %-10s", sprintf("%.4g", x / 1e9), "s")
	}
	END {
		printf "%-24s %-44s %14s %-10s %s\n", "package", "benchmark", "median", "", "spread"
		for (k = 1; k <= keys; k++) {
			key = order[k]; n = count[key]
			for (i = 1; i <= n; i++) v[i] = value[key, i]
			for (i = 2; i <= n; i++) { # insertion sort: a handful of values
				x = v[i]; for (j = i - 1; j >= 1 && v[j] > x; j--) v[j + 1] = v[j]; v[j + 1] = x
			}
			median = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
			spread = median > 0 ? sprintf("±%.0f %%", 50 * (v[n] - v[1]) / median) : "-"
			split(key, part, "\t")
			printf "%-24s %-44s %s %s\n", part[1], part[2], show(median, part[3]), spread
		}
	}' bin/bench.txt
