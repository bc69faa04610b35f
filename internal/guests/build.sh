#!/usr/bin/env bash
# build.sh [FOLDER]: builds every guest of src/ into the folder (default: wasm/,
# beside this script). With the same versions the bytes come out the same.
# build.sh -check: says what is missing for that, and fails if anything is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# missing names the first tool that is not there. Another version of clang makes
# other bytes, so it counts as missing.
missing() {
	for tool in clang wasm-ld wat2wasm; do
		command -v "$tool" >/dev/null || { echo "$tool is not installed"; return; }
	done
	[ -e /usr/lib/wasm32-wasi/libc.a ] || { echo "wasi-libc is not installed"; return; }
	[ -e /usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a ] ||
		{ echo "libclang-rt-14-dev-wasm32 is not installed"; return; }
	[[ $(clang --version) == "Debian clang version 14."* ]] || echo "clang is not Debian's version 14"
}

why=$(missing)
if [ -n "$why" ]; then
	echo "$why"
	exit 1
fi
if [ "${1:-}" = -check ]; then
	exit 0
fi

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
