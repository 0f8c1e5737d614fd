#!/usr/bin/env bash
# Measures settled beside DTM on the same machine.
#
#   benches/compare.sh http|grpc|recover [OPTIONS of that settle-bench command]
#
# http and grpc take turns, `--rounds 5` as often as one likes, and print medians and ratios; recover compares the
# draining of what was unfinished at a kill. With `--store mysql` both are on MariaDB (`--update-branch-sync 0` for both,
# `--servers 2` for settled), else DTM is on BoltDB and on Redis. SETTLE_BUILD (build/release by default) holds
# bin/settled and bin/settle-bench. DTM is built from its Go module, so Go is needed; DTM on Redis is left out where
# there is no redis-server. Everything else is temporary and goes away.
set -euo pipefail

command=${1:-}
[[ $command =~ ^(http|grpc|recover)$ ]] || { echo "usage: $0 http|grpc|recover [OPTIONS]" >&2; exit 2; }
shift
here=$(cd "$(dirname "$0")" && pwd)
programs=${SETTLE_BUILD:-$here/../build/release}/bin
for program in settled settle-bench; do
  [[ -x $programs/$program ]] || { echo "no $programs/$program: build it first" >&2; exit 2; }
done
command -v go >/dev/null || { echo "Go is needed to build DTM" >&2; exit 2; }

# Not in /tmp, which may be in memory.
work=$(mktemp -d "$PWD/compare-XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "building DTM ..." >&2
cp "$here/dtm/go.mod" "$here/dtm/main.go" "$work/"
(cd "$work" && go build -mod=mod -o dtm .)
tables=$(cd "$work" && go list -mod=mod -m -f '{{.Dir}}' github.com/dtm-labs/dtm)/sqls/dtmsvr.storage.mysql.sql
stores=boltdb
if [[ " $* " == *" --store mysql "* || " $* " == *" --store=mysql "* ]]; then
  stores=mysql
elif command -v redis-server >/dev/null; then
  stores+=,redis
fi

if [[ $command != recover ]]; then
  "$programs/settle-bench" "$command" --server "$programs/settled" --dtm "$work/dtm" --dtm-store "$stores" \
    --mysql-tables "$tables" --path "$work" "$@"
  exit
fi
"$programs/settle-bench" recover --server "$programs/settled" --path "$work" "$@"
for store in ${stores//,/ }; do
  echo
  dtm_store=(--store "$store")
  if [[ $store == mysql ]]; then dtm_store=(--mysql-tables "$tables"); fi  # the store is among the options
  # DTM leaves some behind: then the status is not 0, and the figures tell.
  "$programs/settle-bench" recover --server "$work/dtm" --path "$work" "${dtm_store[@]}" "$@" || true
done
