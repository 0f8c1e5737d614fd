#!/usr/bin/env bash
# Installs what settle needs to build and to be tested on Debian 12. Safe to run again; quick where nothing is missing.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config git python3
  libboost1.81-dev libboost-json1.81-dev libboost-program-options1.81-dev
  librocksdb-dev libgflags-dev libsnappy-dev libbz2-dev zlib1g-dev liblz4-dev libzstd-dev
  libssl-dev libfmt-dev libspdlog-dev libyaml-cpp-dev
  doctest-dev clang-tidy-14 clang-format-14
)

fail() {
  echo "setup: $*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "this script knows Debian 12 only. Elsewhere install the equivalents of: ${packages[*]}"

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all packages are installed"
  exit 0
fi

# Only what has to be installed asks for the right release: a newer one may have it all under the same names.
. /etc/os-release
[ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ] ||
  fail "Debian 12 is needed to install ${missing[*]}; this is ${PRETTY_NAME:-unknown}"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "run it as root, or install sudo: these packages are missing: ${missing[*]}"
  as_root=(sudo)
fi

echo "setup: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
"${apt[@]}" update </dev/null || fail "apt-get update failed"
"${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null || fail "could not install ${missing[*]}"
echo "setup: done"
