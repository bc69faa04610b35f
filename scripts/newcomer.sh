#!/usr/bin/env bash
# Follows the README and nothing else, as somebody does who has just heard of
# Windrow: clones, types what stands in the sections up to one's own task, and
# says how long each step took. Only the ports differ, so that it can run beside
# a node.
#
#   newcomer.sh         with what this machine has built before
#   newcomer.sh -cold   with an empty build cache
#   newcomer.sh -bare   without the Go modules, too: they are fetched
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
how=${1-}
here=$PWD
place=$(mktemp -d)
node=
finish() {
	if [ -n "$node" ]; then kill "$node" 2>/dev/null || true; fi
	chmod -R u+w "$place" # fetched modules are read-only
	rm -rf "$place"
}
trap finish EXIT

case $how in
"") ;;
-cold) export GOCACHE=$place/cache ;;
-bare) export GOCACHE=$place/cache GOMODCACHE=$place/modules ;;
*)
	echo "usage: newcomer.sh [-cold|-bare]" >&2
	exit 2
	;;
esac
# Caches of windrow's own begin empty; Go's would follow them.
GOCACHE=$(go env GOCACHE)
export GOCACHE XDG_CACHE_HOME=$place/xdg

free() {
	local port
	while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo $port
}
http=127.0.0.1:$(free) raft=127.0.0.1:$(free)
export WINDROW_HTTP_ADDR=$http WINDROW_RAFT_ADDR=$raft WINDROW_SERVER=http://$http

# spent is the processor's time in milliseconds that all children took so far.
spent() {
	local table minutes seconds sum=0
	times >"$place/times"
	table=$(tail -n 1 "$place/times")
	for part in $table; do
		minutes=${part%%m*} seconds=${part##*m} seconds=${seconds%s}
		sum=$((sum + minutes * 60000 + 10#${seconds%%.*} * 1000 + 10#${seconds##*.}))
	done
	worked_so_far=$sum
}

# seconds shows milliseconds.
seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# step NAME COMMAND: types a command, and says how long it took, and how long the
# processors worked for it: on a busy machine that tells more.
total=0
step() {
	local name=$1 begun ended took worked
	shift
	name=${name%%$'\n'*}
	printf '\n$ %s\n' "$name"
	spent
	worked=$worked_so_far
	begun=$(date +%s%N)
	"$@" >"$place/out" 2>&1 </dev/null || {
		cat "$place/out"
		echo "newcomer: the README's \"$name\" fails"
		exit 1
	}
	ended=$(date +%s%N)
	spent
	took=$(((ended - begun) / 1000000))
	total=$((total + took))
	tail -n 4 "$place/out" | cut -c 1-150
	steps+=("$(printf '%8s s %8s s  %s' "$(seconds $took)" "$(seconds $((worked_so_far - worked)))" "$name")")
}
steps=()

step "git clone" git clone --quiet "$here" "$place/windrow"
cd "$place/windrow"

# commands are the README's, of the sections that a newcomer reads; the tests are
# for another day. Lines that end in \ and here documents go on.
commands() {
	awk '/^## /{ on = /^## Two commands/ || /^## Your own task/ }
		/^```/{ code = on && !code && /^```sh/; next }
		code' README.md | sed -e "s#http://127.0.0.1:8080#http://$http#g" -e 's/  *# .*//' -e '/^$/d' -e '/^make test/d'
}

whole= end=
while IFS= read -r line; do
	whole+=$line
	if [[ $line == *"<<'"* ]]; then end=${line##*<<\'} end=${end%%\'*}; fi
	if [[ -n $end && $line != "$end" ]] || [[ $line == *\\ ]]; then
		whole+=$'\n'
		continue
	fi
	end=
	command=$whole
	whole=
	case $command in
	*'windrowd &')
		windrowd >"$place/node.log" 2>&1 &
		node=$!
		step "$command" timeout 30 bash -c "until curl -sf http://$http/readyz >/dev/null; do kill -0 $node || exit 1; sleep 0.02; done"
		;;
	cd\ * | export\ *)
		eval "$command"
		printf '\n$ %s\n' "$command"
		;;
	*) step "$command" bash -euo pipefail -c "$command" ;;
	esac
done < <(commands)

printf '\n%10s %10s\n' took worked
printf '%s\n' "${steps[@]}"
spent
printf '%8s s %8s s  all (%s build cache; load %s)\n' "$(seconds $total)" "$(seconds $worked_so_far)" \
	"$([ -n "$how" ] && echo empty || echo used)" "$(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)"
