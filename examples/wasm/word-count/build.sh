#!/usr/bin/env bash
# build.sh [FILE]: builds word-count.c into the file (default: word-count.wasm beside
# this script). With the same versions the bytes come out the same.
# build.sh -check: says what is missing for that, and fails if anything is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The toolchain is that of the test guests.
if ! why=$("$here/../../../internal/guests/build.sh" -check); then
	echo "$why"
	exit 1
fi
if [ "${1:-}" = -check ]; then
	exit 0
fi

out=$(realpath -m "${1:-$here/word-count.wasm}")
# A relative name keeps this machine's folders out of what is built.
cd "$here"
clang --target=wasm32-wasi --sysroot=/usr -Os -s -Wall -Wextra -Werror -o "$out" word-count.c
chmod 644 "$out"
