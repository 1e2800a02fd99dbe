#!/bin/sh
# Runs all tests, as built for this system and with the POSIX fallbacks, and counts what was skipped.
set -u
cd "$(dirname "$0")/.." || exit 1
# Clients and servers of other makers live in sbin, which is not in everybody's PATH.
PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin:/usr/sbin:/sbin"
export PATH

log=$(mktemp) || exit 1
code=$(mktemp) || exit 1
trap 'rm -f "$log" "$code"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

run() {
    echo "== cargo $*"
    { cargo "$@" 2>&1; echo $? >"$code"; } | tee -a "$log"
    [ "$(cat "$code")" = 0 ] || failed=1
}

run test --locked --no-fail-fast

# The library and the daemon once more with what every Unix has in place of what only Linux has.
portable="--lib"
for test in daemon; do
    if [ -e "tests/$test.rs" ] || [ -e "tests/$test/main.rs" ]; then portable="$portable --test $test"; fi
done
# shellcheck disable=SC2086 # a list of words
run test --locked --no-fail-fast --features portable $portable

# What is found when a rule of the pair is left out, which only this build can.
run test --locked --no-fail-fast --features teeth --test teeth
run test --locked --no-fail-fast --features teeth --test model teeth::

echo "== summary"
passed=$(sed -n 's/^test result: .* \([0-9][0-9]*\) passed.*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
broken=$(sed -n 's/^test result: .* \([0-9][0-9]*\) failed.*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
skipped=$(grep -c 'SKIPPED: ' "$log")
echo "passed $passed, failed $broken, skipped $skipped"
grep -o 'SKIPPED: .*' "$log" | sort | uniq -c
if [ "$failed" -ne 0 ]; then
    grep -E '^test .* FAILED$' "$log"
    echo "tests failed"
fi
exit "$failed"
