#!/usr/bin/env bash
# Fetches the SDKs that the interop tests drive, and the Go modules of examples/gozero and of DTM's server, so that the
# tests need no network.
# Safe to run again; quick where all is there. scripts/setup.sh calls it.
#   tests/interop/prepare.sh FOLDER      FOLDER gets bin/go (a link), python/ (a virtual environment), java/ (jars)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: $0 FOLDER}"
cd "$1"

fail() {
  echo "interop: $*" >&2
  exit 1
}

# is_new_enough GO: whether it can build the bank.
is_new_enough() {
  local version wanted
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  wanted=$(sed -n 's/^go //p' "$here/go/go.mod")
  [ "$(printf '%s\n' "$wanted" "${version#go}" | sort -V | head -n 1)" = "$wanted" ]
}

# Prints where a Go is that is new enough. Debian's own is too old, and good only to fetch one that is not: a module.
find_go() {
  local go release
  for go in bin/go "$(command -v go)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
    if [ -x "$go" ] && is_new_enough "$go"; then
      readlink -f "$go"
      return
    fi
  done
  release="golang.org/toolchain@v0.0.1-go1.22.12.linux-$(dpkg --print-architecture)"
  go=$(cd / && go mod download -json "$release" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [ -n "$go" ] || fail "could not fetch $release"
  chmod -R u+w,a+x "$go/bin" "$go/pkg/tool"
  echo "$go/bin/go"
}

# changed STAMP FILE: whether FILE is not the one that STAMP was made from.
changed() {
  [ "$(cat "$1" 2>/dev/null)" != "$(sha256sum <"$2")" ]
}

go=$(find_go)
mkdir -p bin
ln -sfn "$go" bin/go
for module in "$here/go" "$here/../../examples/gozero" "$here/../../benches/dtm"; do
  # In a copy, for some versions of Go add to go.sum what nothing here is built from.
  rm -rf modules && mkdir modules && cp "$module/go.mod" "$module/go.sum" modules
  (cd modules && GOTOOLCHAIN=local "$go" mod download) || fail "could not fetch the Go modules of $module"
done
rm -rf modules

if changed python.stamp "$here/python/requirements.txt" || ! python/bin/python -c 'import dtmcli, grpc' 2>/dev/null; then
  python3 -m venv --clear python || fail "could not make a virtual environment of Python"
  python/bin/python -m pip install --quiet --disable-pip-version-check -r "$here/python/requirements.txt" ||
    fail "could not fetch the Python packages"
  sha256sum <"$here/python/requirements.txt" >python.stamp
fi

if changed java.stamp "$here/java/pom.xml"; then
  rm -rf java
  mvn --batch-mode --quiet -Dstyle.color=never -f "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$PWD/java" ||
    fail "could not fetch the jars"
  sha256sum <"$here/java/pom.xml" >java.stamp
fi
echo "interop: the SDKs are in $PWD"
