#!/usr/bin/env bash
# Runs `swift test` with the arguments given. Where it fails, its last lines say what did: each issue, the tests that
# began and did not end, and, where the process trapped, the message and the stack. The end of a log is what one sees.
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A backtrace of the thread that crashed alone; those of the others are hundreds of lines of waiting.
SWIFT_BACKTRACE="${SWIFT_BACKTRACE:-threads=crashed,images=none,registers=none,color=no}" swift test "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[ "$status" -eq 0 ] && exit 0

echo
echo "What failed:"
grep -aE 'recorded an issue|Fatal error: ' "$log" | sort -u
# A process that trapped has not closed the tests that it was in: one of a few that run one at a time, or dozens.
grep -aoE '^◇ Test [^"]*("[^"]*")?.* started\.$' "$log" | sed -E 's/^◇ Test //; s/ started\.$//' | grep -v '^case \|^run$' | sort -u |
  while IFS= read -r name; do
    grep -qaF -e "Test $name passed after" -e "Test $name failed after" -e "Test $name with " -e "Test $name skipped" "$log" ||
      echo "began and did not end: $name"
  done | head -n 20
sed -nE '/^Thread .* crashed:/,/^(Press|Backtrace took)/p' "$log" | head -n 60
exit "$status"
