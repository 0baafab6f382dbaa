#!/usr/bin/env bash
# Fuzzes every target in turn: bench/fuzz.sh [SECONDS] [PATTERN]
#
# Each runs for SECONDS, 60 if not given; those whose package and name match PATTERN alone. Inputs that fail are written
# to the package's testdata/fuzz, and so are, with KEEP=N, the N smallest that reached new code. It ends with the number of
# executions, and with an error if an input failed. WORKERS=N takes that many processors.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60} pattern=${2:-.}
keep=${KEEP:-0}
workers=${WORKERS:-$(getconf _NPROCESSORS_ONLN)}
module=$(go list -m)
cache=$(go env GOCACHE)/fuzz/$module
total=0 failed=()

targets() { # package and name of each
	grep -rH --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's#^(.*)/[^/]*:func (.*)$#\1 \2#' | sort -u | grep -E "$pattern"
}

while read -r package target; do
	echo "== $package $target"
	log=$(mktemp)
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 100x -parallel "$workers" "$package" </dev/null >"$log" 2>&1 || {
		# Before Go 1.27 the end of its time may come out as a failure without an input (https://go.dev/issue/75804).
		grep -q '^    context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log" || failed+=("$package $target")
	}
	grep -E '^(fuzz: elapsed|ok|FAIL|---)|Failing input|_test.go:' "$log" | tail -3 || true
	execs=$(grep -oE 'execs: [0-9]+' "$log" | tail -1 | tr -dc 0-9 || true)
	total=$((total + ${execs:-0}))
	rm -f "$log"
	corpus=$cache/${package#./}/$target
	if [ "$keep" -gt 0 ] && [ -d "$corpus" ]; then
		mkdir -p "$package/testdata/fuzz/$target"
		ls -Sr "$corpus" | head -n "$keep" | while read -r input; do cp "$corpus/$input" "$package/testdata/fuzz/$target/"; done
	fi
done < <(targets)

echo "$total executions"
for f in "${failed[@]}"; do echo "failed: $f"; done
[ ${#failed[@]} -eq 0 ]
