#!/bin/bash
# Usage: reproducible.sh BINARY FOLDER
#
# Builds the static binary a second time, and compares it with BINARY, which `make static` has built. The
# second build has other directories for the source code, for cargo and for the target, and another umask
# and time zone. It compiles every crate again. `make reproducible` calls this script.
#
# If the binaries differ, the script keeps the second one as FOLDER/eni-bootstrap, and fails.
set -euo pipefail

(($# == 2)) || { echo "usage: reproducible.sh BINARY FOLDER" >&2; exit 64; }
mkdir -p "$2"
binary=$(realpath "$1") folder=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$(realpath "${CARGO_TARGET_DIR:-target}")/real-parts
cargo_home=${CARGO_HOME:-$HOME/.cargo}

umask 077
work=$(mktemp -d "${TMPDIR:-/tmp}/second-build-of-eni-bootstrap.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{source,cargo/registry,target/real-parts/bin}
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory "$work/source"
# Do not download the crates again. cargo unpacks them into the new directory.
for name in config.toml registry/cache registry/index; do
    [[ ! -e $cargo_home/$name ]] || cp -r "$cargo_home/$name" "$work/cargo/$name"
done
cp "$tools/bin/cargo-auditable" "$work/target/real-parts/bin"
cp "$tools/cargo-auditable.stamp" "$work/target/real-parts"

env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL CARGO_HOME="$work/cargo" CARGO_TARGET_DIR="$work/target" \
    TZ=Pacific/Chatham LC_ALL=C.UTF-8 nice -n 19 make --directory "$work/source" static </dev/null

sha256sum "$binary" "$work/target/release/eni-bootstrap"
if ! cmp "$binary" "$work/target/release/eni-bootstrap"; then
    cp "$work/target/release/eni-bootstrap" "$folder"
    echo "the build is not reproducible; the second binary is $folder/eni-bootstrap" >&2
    exit 1
fi
echo "the build is reproducible: both binaries are identical"
