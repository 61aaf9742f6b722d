#!/usr/bin/env bash
# Feeds every target of `mana-fuzz`, as many at a time as there are processors. With EXECUTIONS 0 for MINUTES in all;
# otherwise until the targets have been fed so often together, which is an error when it takes longer than MINUTES. The
# corpus begins with the golden vectors and is kept in .build-fuzz/corpus; what ends a target is in .build-fuzz/found, and
# becomes a test.
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:?usage: fuzz.sh MINUTES EXECUTIONS}
executions=${2:?usage: fuzz.sh MINUTES EXECUTIONS}
export program=.build-fuzz/release/mana-fuzz corpus=.build-fuzz/corpus found=.build-fuzz/found
# The slow ones first, so that the last ones to end are short; each with its part of a thousand executions. A journal or a
# checkpoint costs as much as forty frames, and has the more time all the same.
targets=(journal:20 records:15 checkpoint:10 requests:290 replies:290 handshake:240 identity:135)
jobs=$(nproc)
# The toolchain's backtraces and the sanitizer's leak check both hang under a fuzzer.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0

MANA_FUZZING=1 swift build --configuration release --scratch-path .build-fuzz --product mana-fuzz \
  --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing "${@:3}" >&2
python3 Tests/Fuzzing/seeds.py "$corpus"
mkdir -p "$found"

echo "canary: a planted bug that only guidance by coverage finds"
logs=$(mktemp --directory)
trap 'rm -rf "$logs"' EXIT
export logs
mkdir "$logs/canary"
if MANA_FUZZ=canary "$program" -seed=1 -max_len=32 -runs=20000000 -artifact_prefix="$logs/canary/" "$logs/canary" \
  >"$logs/canary.log" 2>&1; then
  echo "The planted bug was not found: this build's guidance by coverage does not work." >&2
  exit 1
fi
grep -q 'the planted bug' "$logs/canary.log" || { tail -20 "$logs/canary.log" >&2; exit 1; }

# Feeds one target: its name, the seconds that it has, the most executions (-1: no limit).
feed() {
  local target=$1 seconds=$2 runs=$3 log=$logs/$1 begin=$SECONDS
  # With a number of executions, what is left of the time that all have together.
  if [ "$runs" -gt 0 ]; then seconds=$((end - $(date +%s))); fi
  if [ "$seconds" -lt 1 ]; then seconds=1; fi
  if ! MANA_FUZZ=$target "$program" -max_total_time="$seconds" -runs="$runs" -max_len=8192 -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/$target-" "$corpus/$target" >"$log" 2>&1; then
    tail -40 "$log" >&2
    echo "$target: an input that it does not take is in $found. Make a test of it, then mend what it found." >&2
    return 1
  fi
  local done
  done=$(awk '/number_of_executed_units/ { print $2 }' "$log")
  echo "$done" >"$log.done"
  echo "$target: $done executions in $((SECONDS - begin)) s, $(grep -o 'cov: [0-9]*' "$log" | tail -1)," \
    "$(grep -o 'INFO: Seed: [0-9]*' "$log" | head -1)"
}
export -f feed

end=$(awk -v minutes="$minutes" -v begin="$(date +%s)" 'BEGIN { printf "%d", begin + minutes * 60 + 1 }')
export end
by_time=$(awk -v minutes="$minutes" -v count="${#targets[@]}" -v jobs="$jobs" \
  'BEGIN { printf "%d", minutes * 60 * (jobs < count ? jobs : count) / count + 1 }')
for entry in "${targets[@]}"; do
  runs=-1
  if [ "$executions" -gt 0 ]; then runs=$(((executions * ${entry#*:} + 999) / 1000)); fi
  echo "${entry%:*} $by_time $runs"
done | xargs --max-procs="$jobs" --max-args=3 bash -c 'feed "$@"' feed
total=$(awk '{ sum += $1 } END { printf "%d", sum }' "$logs"/*.done)
if [ "$total" -lt "$executions" ]; then
  echo "Nothing was found, but in $minutes minutes there were only $total of $executions executions." >&2
  exit 1
fi
echo "$total executions, nothing found"
