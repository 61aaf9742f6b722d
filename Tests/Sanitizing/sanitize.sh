#!/usr/bin/env bash
# Runs the suite under one sanitizer. What it finds, in a test or in a program that a test starts, is printed at the end,
# and ends this with status 1, whatever the tests made of it.
#
# Usage: sanitize.sh thread|address LEFT-OUT [ONE-AT-A-TIME], the latter two as patterns of test names. BUILD_ARGUMENTS, a
# variable, are for `swift build`.
set -euo pipefail
cd "$(dirname "$0")/../.."
sanitizer=${1:?usage: sanitize.sh thread|address LEFT-OUT [ONE-AT-A-TIME]}
left_out=$2
one_at_a_time=${3:-}
scratch=.build-$sanitizer
reports=$(mktemp --directory)
trap 'rm -rf "$reports"' EXIT
# What Swift's runtime makes once and keeps would be taken for leaks.
export ASAN_OPTIONS="log_path=$reports/address:detect_leaks=0"
export TSAN_OPTIONS="log_path=$reports/thread:suppressions=$PWD/Tests/Sanitizing/thread-suppressions"

read -r -a build_arguments <<<"${BUILD_ARGUMENTS:-}"
swift build --build-tests --sanitize="$sanitizer" --scratch-path "$scratch" "${build_arguments[@]}"
# A test run is told of the counters too, which it writes at its end.
case " ${build_arguments[*]} " in *' --enable-code-coverage '*) counted=(--enable-code-coverage) ;; *) counted=() ;; esac
run() { bash Tests/Reporting/test.sh --skip-build --sanitize="$sanitizer" --scratch-path "$scratch" "${counted[@]}" "$@"; }
status=0
run --skip "$left_out" || status=$?
if [ -n "$one_at_a_time" ]; then run --filter "$one_at_a_time" --no-parallel || status=$?; fi

found=$(find "$reports" -type f -size +0 | wc -l)
if [ "$found" -gt 0 ]; then
  cat "$reports"/* >&2
  echo "The $sanitizer sanitizer reported in $found processes; see above." >&2
  exit 1
fi
[ "$status" -eq 0 ] || echo "The $sanitizer sanitizer found nothing, but tests failed." >&2
exit "$status"
