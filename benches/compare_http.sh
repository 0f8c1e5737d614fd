#!/usr/bin/env bash
# Measures settled beside DTM over HTTP, turn by turn on the same machine, and prints medians and ratios.
#
#   benches/compare_http.sh [--rounds N] [--seconds N] [--clients N] [--recover] [BUILD_FOLDER]
#
# BUILD_FOLDER (build/release by default) holds bin/settled and bin/settle-bench. DTM is built from its Go module, so Go
# is needed; DTM on Redis is left out where there is no redis-server. --recover compares the draining of what was
# unfinished at a kill as well. Everything else is temporary and goes away.
set -euo pipefail

rounds=3 seconds=5 clients=64 recover=no
while [[ $# -gt 0 && $1 == --* ]]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --clients) clients=$2; shift 2 ;;
    --recover) recover=yes; shift ;;
    *) echo "unknown option: $1" >&2; exit 2 ;;
  esac
done
here=$(cd "$(dirname "$0")" && pwd)
programs=${1:-$here/../build/release}/bin
for program in settled settle-bench; do
  [[ -x $programs/$program ]] || { echo "no $programs/$program: build it first" >&2; exit 2; }
done
command -v go >/dev/null || { echo "Go is needed to build DTM" >&2; exit 2; }

# Not in /tmp, which may be in memory.
work=$(mktemp -d "$PWD/compare-XXXXXX")
redis_pid=
clean_up() {
  if [[ -n $redis_pid ]]; then kill "$redis_pid" && wait "$redis_pid" || true; fi
  rm -rf "$work"
}
trap clean_up EXIT

echo "building DTM ..." >&2
cp "$here/dtm/go.mod" "$here/dtm/main.go" "$work/"
(cd "$work" && go build -mod=mod -o dtm .)

subjects=(settled:rocksdb dtm:boltdb)
if command -v redis-server >/dev/null; then
  # A socket of its own would be safer than a guessed port, but DTM speaks TCP only.
  export STORE_HOST=127.0.0.1 STORE_PORT=$((20000 + RANDOM % 10000))
  redis-server --bind 127.0.0.1 --port "$STORE_PORT" --save '' --appendonly no --dir "$work" >"$work/redis.log" 2>&1 &
  redis_pid=$!
  until redis-cli -p "$STORE_PORT" ping >/dev/null 2>&1; do
    kill -0 "$redis_pid" 2>/dev/null || { cat "$work/redis.log" >&2; exit 1; }
    sleep 0.1
  done
  subjects+=(dtm:redis)
fi

program_of() { if [[ $1 == settled ]]; then echo "$programs/settled"; else echo "$work/dtm"; fi; }
figure() { sed -E "s/.*\"$2\":([0-9.]+).*/\1/" <<<"$1"; }
median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

for ((round = 1; round <= rounds; ++round)); do
  for subject in "${subjects[@]}"; do
    [[ -z $redis_pid ]] || redis-cli -p "$STORE_PORT" flushall >/dev/null
    result=$("$programs/settle-bench" http --server "$(program_of "${subject%:*}")" --store "${subject#*:}" --path "$work" \
      --clients "$clients" --seconds "$seconds" --json)
    for name in per_second p50_ms p99_ms server_cpu_us bench_cpu_us server_idle_rss_mib server_rss_mib; do
      figure "$result" $name >>"$work/$subject.$name"
    done
    echo "round $round $subject: $(figure "$result" per_second)/s" >&2
  done
done

printf '%-18s %12s %10s %10s %14s %14s %12s %12s\n' \
  server transact./s p50,ms p99,ms 'server CPU,us' 'bench CPU,us' 'idle,MiB' 'loaded,MiB'
for subject in "${subjects[@]}"; do
  printf '%-18s %12s %10s %10s %14s %14s %12s %12s\n' "$subject" $(
    for name in per_second p50_ms p99_ms server_cpu_us bench_cpu_us server_idle_rss_mib server_rss_mib; do
      median <"$work/$subject.$name"
    done)
done
ours=$(median <"$work/settled:rocksdb.per_second")
for subject in "${subjects[@]:1}"; do
  awk -v ours="$ours" -v theirs="$(median <"$work/$subject.per_second")" -v subject="$subject" \
    'BEGIN { printf "settled:rocksdb is %.1f times as fast as %s\n", ours / theirs, subject }'
done

if [[ $recover == yes ]]; then
  for subject in "${subjects[@]}"; do
    [[ -z $redis_pid ]] || redis-cli -p "$STORE_PORT" flushall >/dev/null
    echo
    # DTM leaves some behind: then the status is not 0, and the figures tell.
    "$programs/settle-bench" recover --server "$(program_of "${subject%:*}")" --store "${subject#*:}" --path "$work" || true
  done
fi
