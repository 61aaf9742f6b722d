#!/usr/bin/env bash
# Feeds every target of `mana-fuzz` in turn, MINUTES in all. The corpus begins with the golden vectors and is kept in
# .build-fuzz/corpus; what ends a target is in .build-fuzz/found, and becomes a test.
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:?usage: fuzz.sh MINUTES}
program=.build-fuzz/release/mana-fuzz
corpus=.build-fuzz/corpus
found=.build-fuzz/found
targets=(requests replies handshake journal records checkpoint identity)
seconds=$(awk -v minutes="$minutes" -v count="${#targets[@]}" 'BEGIN { printf "%d", minutes * 60 / count + 1 }')
# The toolchain's backtraces and the sanitizer's leak check both hang under a fuzzer.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0

MANA_FUZZING=1 swift build --configuration release --scratch-path .build-fuzz --product mana-fuzz \
  --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing "${@:2}" >&2
python3 Tests/Fuzzing/seeds.py "$corpus"
mkdir -p "$found"

echo "canary: a planted bug that only guidance by coverage finds"
canary=$(mktemp --directory)
trap 'rm -rf "$canary" "$canary.log"' EXIT
if MANA_FUZZ=canary "$program" -seed=1 -max_len=32 -runs=20000000 -artifact_prefix="$canary/" "$canary" >"$canary.log" 2>&1; then
  echo "The planted bug was not found: this build's guidance by coverage does not work." >&2
  exit 1
fi
grep -q 'the planted bug' "$canary.log" || { tail -20 "$canary.log" >&2; exit 1; }

total=0
for target in "${targets[@]}"; do
  log=$(mktemp)
  if ! MANA_FUZZ=$target "$program" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$found/$target-" "$corpus/$target" >"$log" 2>&1; then
    tail -40 "$log" >&2
    echo "$target: an input that it does not take is in $found. Make a test of it, then mend what it found." >&2
    exit 1
  fi
  runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
  edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
  echo "$target: $runs executions in $seconds s, $edges, $(grep -o 'INFO: Seed: [0-9]*' "$log" | head -1)"
  total=$((total + runs))
  rm -f "$log"
done
echo "$total executions, nothing found"
