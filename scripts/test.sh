#!/usr/bin/env bash
# Sets up, builds and tests everything: style, the tests under address and undefined-behaviour sanitizers, those of the
# engine and of HTTP under the thread sanitizer, and the quickstart on the release build.
#   scripts/test.sh [--all]      --all adds the tests labelled slow
set -euo pipefail
cd "$(dirname "$0")/.."

labels=(-LE slow)
tidy=()
case "${1:-}" in
  "") ;;
  --all) labels=() tidy=(--tests) ;;
  *) echo "usage: scripts/test.sh [--all]" >&2; exit 2 ;;
esac
jobs=$(nproc)
# Where two clones share a cache of compiled files, a path must not make them different.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

summary=()
failed=0
finish() {
  echo
  echo "summary"
  printf '  %s\n' "${summary[@]}"
  for log in build/debug/ctest.log build/tsan/ctest.log; do
    if [ -f "$log" ]; then
      echo "$log:"
      grep -E 'tests passed|Total Test time|^The following tests|^\s+[0-9]+ - ' "$log" || :
    fi
  done
}
rm -f build/debug/ctest.log build/tsan/ctest.log
trap finish EXIT

# step NAME COMMAND…: runs it and notes how it ended.
step() {
  local name=$1 begin=$SECONDS status=0
  shift
  echo
  echo "=== $name"
  "$@" || status=$?
  summary+=("$(printf '%-8s %4d s  %s' "$([ $status -eq 0 ] && echo ok || echo FAILED)" $((SECONDS - begin)) "$name")")
  [ $status -eq 0 ] || failed=1
  return $status
}

build() {
  local preset=$1
  shift
  cmake --preset "$preset" -Wno-dev >build/"$preset"-configure.log 2>&1 || { cat build/"$preset"-configure.log; return 1; }
  cmake --build --preset "$preset" -j "$jobs" --target "$@"
}

# run_tests PRESET FOLDER ARGUMENT…: ctest with its results for check_skips beside the log.
run_tests() {
  local preset=$1 folder=$2
  shift 2
  ctest --test-dir "build/$preset/$folder" --output-on-failure --no-tests=error --output-junit "$PWD/build/$preset/ctest-${folder//\//-}.xml" \
    "$@" 2>&1 | tee -a "build/$preset/ctest.log"
}

check_format() {
  git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs clang-format-14 --dry-run -Werror
}

# Races are looked for where threads meet: in the engine's tests labelled so (a walk of the pure core has no threads) and
# in those of HTTP. dtm/ has no threads of its own; of the gRPC library's threads the sanitizer understands nothing, for
# Debian builds it without.
tsan_transports=(-LE slow -E 'dtm|grpc')

tsan_tests() {
  local status=0
  run_tests tsan engine -j "$jobs" -L tsan || status=1
  run_tests tsan transports -j "$jobs" "${tsan_transports[@]}" || status=1
  return $status
}

# Builds those tests and nothing else. A test's program has the name of the test.
build_tsan() {
  build tsan settle_engine || return 1
  local names
  names=$( (ctest --test-dir build/tsan/engine -N -L tsan && ctest --test-dir build/tsan/transports -N "${tsan_transports[@]}") |
    sed -nE 's/^ +Test +#[0-9]+: //p')
  [ -n "$names" ] || { echo "no test is labelled tsan"; return 1; }
  # shellcheck disable=SC2086
  build tsan $names
}

step "set-up" scripts/setup.sh || exit 1
mkdir -p build
step "clang-format" check_format || :
step "build debug" build debug all || exit 1
step "tests, debug" run_tests debug . -j "$jobs" "${labels[@]}" || :
step "build release" build release settled settle-bench || exit 1
step "quickstart" scripts/quickstart.sh || :
step "build tsan" build_tsan || exit 1
step "tests, tsan" tsan_tests || :
step "clang-tidy" scripts/tidy.py build/debug "${tidy[@]}" || :
step "skips" scripts/check_skips.py build/debug/ctest-*.xml build/tsan/ctest-*.xml || :
exit $failed
