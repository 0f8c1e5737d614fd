#!/bin/sh
# Looks for seeds that find something: a million of them, in a release build, on every processor.
#   scripts/sweep.sh [FIRST..LAST] [OPTIONS of settle-sim]
set -eu
cd "$(dirname "$0")/.."
seeds=1..1000000
case "${1:-}" in
  *..*) seeds=$1; shift ;;
esac
cmake --preset release >/dev/null
cmake --build --preset release --target settle-sim >/dev/null
exec build/release/bin/settle-sim --seeds "$seeds" --jobs 0 "$@"
