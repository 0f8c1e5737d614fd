#!/usr/bin/env bash
# Builds the fuzzers with clang and runs each for some time, from what is in fuzz/corpus and fuzz/regressions. What it
# found is in build/fuzz/found/NAME; docs/fuzzing.md tells what to do with it.
#   scripts/fuzz.sh [SECONDS] [NAME…]      60 seconds each, and all of them, unless told otherwise
# Ends with 1 where something was found.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
elif [[ "${1:-}" == -* ]]; then
  echo "usage: scripts/fuzz.sh [SECONDS] [NAME...]" >&2
  exit 2
fi
names=("$@")
[ ${#names[@]} -gt 0 ] || for file in fuzz/*_fuzz.cpp; do
  name=${file#fuzz/}
  names+=("${name%_fuzz.cpp}")
done
for name in "${names[@]}"; do
  [ -f "fuzz/${name}_fuzz.cpp" ] || {
    echo "fuzz: there is no fuzzer '$name'; there are: $(cd fuzz && ls ./*_fuzz.cpp | sed -E 's/^..(.*)_fuzz.cpp/\1/' | xargs)" >&2
    exit 2
  }
done
command -v clang++-14 >/dev/null || { echo "fuzz: clang++-14 is needed: scripts/setup.sh installs it" >&2; exit 1; }

export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
mkdir -p build/fuzz
cmake --preset fuzz -Wno-dev >build/fuzz/configure.log 2>&1 || { cat build/fuzz/configure.log; exit 1; }
cmake --build --preset fuzz -j "$(nproc)" --target "${names[@]/#/fuzz_}" >build/fuzz/build.log 2>&1 ||
  { cat build/fuzz/build.log; exit 1; }

status=0
for name in "${names[@]}"; do
  found=build/fuzz/found/$name
  seeds=()
  for folder in "fuzz/corpus/$name" "fuzz/regressions/$name"; do [ -d "$folder" ] && seeds+=("$folder"); done
  mkdir -p "$found" "build/fuzz/corpus/$name"
  log=build/fuzz/$name.log
  outcome=ok
  build/fuzz/bin/"fuzz_$name" -max_total_time="$seconds" -timeout=60 -report_slow_units=60 -rss_limit_mb=2048 -max_len=4096 -use_value_profile=1 \
    -artifact_prefix="$found/" -print_final_stats=1 "build/fuzz/corpus/$name" "${seeds[@]}" >"$log" 2>&1 || outcome=FOUND
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-6s %-16s %10s runs  %s\n' "$outcome" "$name" "${runs:-?}" "$(grep -c . < <(ls "build/fuzz/corpus/$name")) inputs kept"
  [ $outcome = ok ] && continue
  status=1
  grep -aE '^(does not hold|seen|SUMMARY)|what\(\)|runtime error|Test unit written' "$log" | cut -c1-300 | sed 's/^/       /' || :
done
exit $status
