#!/usr/bin/env bash
# build.sh [FILE]: builds as-stats.ts into the file (default: as-stats.wasm beside
# this script) with an AssemblyScript that npm has installed here or in the folder
# that ASSEMBLYSCRIPT names. With the same versions the bytes come out the same.
# build.sh -check: says what is missing for that, and fails if anything is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
modules=${ASSEMBLYSCRIPT:-$here}/node_modules
version=0.28.20

why=
if ! command -v node >/dev/null; then
	why="node is not installed"
elif [ ! -e "$modules/assemblyscript" ] || [ ! -e "$modules/@assemblyscript/wasi-shim" ]; then
	why="AssemblyScript is not installed: npm install --no-save assemblyscript@$version @assemblyscript/wasi-shim@0.1.0"
elif ! grep -q "\"version\": \"$version\"" "$modules/assemblyscript/package.json"; then
	why="AssemblyScript is not version $version"
fi
if [ -n "$why" ]; then
	echo "$why"
	exit 1
fi
if [ "${1:-}" = -check ]; then
	exit 0
fi

out=$(realpath -m "${1:-$here/as-stats.wasm}")
# asc takes paths below its folder only, and looks for the shim there.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$modules" "$work/node_modules"
cp "$here/as-stats.ts" "$work/"
cd "$work"
node node_modules/assemblyscript/bin/asc.js as-stats.ts --config node_modules/@assemblyscript/wasi-shim/asconfig.json \
	--optimizeLevel 3 --shrinkLevel 1 -o as-stats.wasm
cp as-stats.wasm "$out"
