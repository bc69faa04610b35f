#!/bin/sh
# Builds the guests of the tests. Needs clang, lld and wabt.
set -eu
cd "$(dirname "$0")"
cc() {
	clang --target=wasm32 -Os -std=c11 -nostdlib -fno-builtin -Wall -Wno-unused-function -Wno-infinite-recursion -Wl,--no-entry -Wl,--strip-debug \
		-Wl,-z,stack-size=8192 -o "$1.wasm" "$1.c"
}
for guest in acts react tiny; do cc "$guest"; done
for guest in calls table start wide foreign recurse; do wat2wasm --enable-all "$guest.wat" -o "$guest.wasm"; done
chmod 644 *.wasm
