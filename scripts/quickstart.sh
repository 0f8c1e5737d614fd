#!/usr/bin/env bash
# Builds settled, starts it on RocksDB in a fresh folder beside the example participant, runs one saga that succeeds and
# one that is refused and compensated, and shows every call and status. Exits with 0 only if both ended as they must.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --build
echo "building settled (the first time takes a few minutes)"
cmake --preset release -Wno-dev >/dev/null
cmake --build --preset release --target settled

folder=$(mktemp -d "${TMPDIR:-/tmp}/settle-quickstart.XXXXXX")
pids=()
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || :; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || :; done
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

free_port() {
  PYTHONPATH=tests/support python3 -c 'from settled import free_port; print(free_port())'
}

# Waits until the process accepts connections; where it ends before that, shows what it said.
wait_until_open() {
  local pid=$1 port=$2 log=$3
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "nothing answers on port $port" >&2
  cat "$log" >&2
  return 1
}

settle_port=$(free_port)
STORE_DRIVER=rocksdb STORE_PATH="$folder/store" HTTP_PORT=$settle_port GRPC_PORT=0 \
  build/release/bin/settled >"$folder/settled.log" 2>&1 &
pids+=($!)
wait_until_open "${pids[0]}" "$settle_port" "$folder/settled.log"
echo "settled listens on http://127.0.0.1:$settle_port, its store is in $folder/store"

participant_port=$(free_port)
python3 examples/participant.py --port "$participant_port" --stock apples=10 &
pids+=($!)
wait_until_open "${pids[1]}" "$participant_port" /dev/null

echo
python3 examples/client.py --settle "http://127.0.0.1:$settle_port" --participant "http://127.0.0.1:$participant_port"
