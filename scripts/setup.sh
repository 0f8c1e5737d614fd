#!/usr/bin/env bash
# Installs what settle needs to build and to be tested on Debian 12, and fetches the SDKs that its tests drive. Safe to
# run again; quick where nothing is missing.
#   scripts/setup.sh [--build]      --build: only what building needs
set -euo pipefail

for_tests=yes
case "${1:-}" in
  "") ;;
  --build) for_tests=no ;;
  *) echo "usage: scripts/setup.sh [--build]" >&2; exit 2 ;;
esac

packages=(
  g++ cmake ninja-build ccache pkg-config git python3
  libboost1.81-dev libboost-json1.81-dev libboost-program-options1.81-dev
  libmysqlcppconn7v5
  librocksdb-dev libgflags-dev libjemalloc-dev libsnappy-dev libbz2-dev zlib1g-dev liblz4-dev libzstd-dev
  libssl-dev libfmt-dev libspdlog-dev libyaml-cpp-dev prometheus-cpp-dev
  libgrpc++-dev protobuf-compiler-grpc protobuf-compiler libprotobuf-dev
  doctest-dev
)

# What the interop tests need, where the machine has no such command from elsewhere. Debian's Go is enough to fetch the one
# that they want.
PATH="$PATH:/usr/local/go/bin:/usr/sbin"
commands=(
  go:golang-go java:default-jdk-headless javac:default-jdk-headless mvn:maven
  mariadbd:mariadb-server-core mariadb-install-db:mariadb-server-core mariadb:mariadb-client-core
  etcd:etcd-server etcdctl:etcd-client openssl:openssl
)

if [ "$for_tests" = yes ]; then
  packages+=(clang-tidy-14 clang-format-14 clang-14 libclang-rt-14-dev python3-venv)
else
  commands=()
fi

fail() {
  echo "setup: $*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "this script knows Debian 12 only. Elsewhere install the equivalents of: ${packages[*]}"

install_missing() {
  local missing=() package pair
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  for pair in "${commands[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: all packages are installed"
    return
  fi

  # Only what has to be installed asks for the right release: a newer one may have it all under the same names.
  . /etc/os-release
  [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ] ||
    fail "Debian 12 is needed to install ${missing[*]}; this is ${PRETTY_NAME:-unknown}"

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run it as root, or install sudo: these packages are missing: ${missing[*]}"
    as_root=(sudo)
  fi

  echo "setup: installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update </dev/null || fail "apt-get update failed"
  "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null || fail "could not install ${missing[*]}"
}

# Connector/C++: its -dev package wants another Boost than the one that is installed, so its headers are only unpacked.
unpack_connector_headers() {
  local folder="$HOME/.cache/settle/libmysqlcppconn-dev"
  [ ! -e "$folder/usr/include/cppconn/driver.h" ] && [ ! -e /usr/include/cppconn/driver.h ] || return 0
  echo "setup: unpacking the headers of libmysqlcppconn-dev into $folder"
  local temporary
  temporary=$(mktemp -d)
  (cd "$temporary" && apt-get -q download libmysqlcppconn-dev && dpkg -x libmysqlcppconn-dev_*.deb unpacked) ||
    fail "could not download libmysqlcppconn-dev: run apt-get update, then this again"
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  mv "$temporary/unpacked" "$folder"
  rm -rf "$temporary"
}

install_missing
unpack_connector_headers
if [ "$for_tests" = yes ]; then "$(dirname "$0")/../tests/interop/prepare.sh" "$(dirname "$0")/../build/interop"; fi
echo "setup: done"
