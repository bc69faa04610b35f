#!/usr/bin/env bash
# Builds every guest of src/ into the folder given (default: wasm/, beside this
# script). Needs Debian's clang (14), lld, wasi-libc, libclang-rt-14-dev-wasm32
# and wabt; with the same versions the bytes come out the same.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/wasm}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# Relative names keep this machine's folders out of what is built.
cd "$here/src"
for src in *.c; do
	clang --target=wasm32-wasi --sysroot=/usr -Os -s -Wall -Wextra -Werror \
		-Wl,-z,stack-size=16384 -o "$out/${src%.c}.wasm" "$src"
done
for src in *.wat; do
	wat2wasm -o "$out/${src%.wat}.wasm" "$src"
done
chmod 644 "$out"/*.wasm
