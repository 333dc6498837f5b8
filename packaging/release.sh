#!/bin/bash
# Usage: release.sh COMMAND…
#
# Runs a cargo command in the environment of a release build:
#   - The binary does not contain paths of the build machine. Two builds of the same source code with the
#     same compiler and linker are identical, independent of the directories of the source code, of cargo
#     and of the target.
#   - The binary contains the list of its crates (cargo-auditable, section .dep-v0).
#
# The script uses the compiler in RUSTC, and keeps the flags in RUSTFLAGS or CARGO_ENCODED_RUSTFLAGS. The
# flags of the script replace those in a cargo configuration file.
set -euo pipefail

(($#)) || { echo "usage: release.sh COMMAND…" >&2; exit 64; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-target}
[[ $target == /* ]] || target=$root/$target # cargo resolves a relative path from the repository root
mkdir -p "$target"
target=$(cd "$target" && pwd)
CARGO_TARGET_DIR=$target "$root/tests/real/install.sh" cargo-auditable

# cargo separates these flags with this character, so that they can contain spaces.
separator=$'\x1f'
flags=()
if [[ -n ${CARGO_ENCODED_RUSTFLAGS:-} ]]; then
    IFS=$separator read -ra flags <<<"$CARGO_ENCODED_RUSTFLAGS"
else
    read -ra flags <<<"${RUSTFLAGS:-}"
fi
remap() { flags+=("--remap-path-prefix=$1=$2"); }
remap "$root" /eni-bootstrap
remap "$target" /eni-bootstrap/target
# cargo downloads the crates to a directory whose name depends on the registry.
host=$("${RUSTC:-rustc}" --version --verbose | sed -n 's/^host: //p')
manifests=$(cd "$root" && cargo metadata --quiet --locked --format-version 1 --filter-platform "$host" |
    grep -o '"manifest_path":"[^"]*"' | cut -d '"' -f 4)
while read -r directory; do
    remap "$directory" /crates
done < <(grep -vF "$root/" <<<"$manifests" | xargs -d '\n' dirname | xargs -d '\n' dirname | sort -u)
# With the component rust-src, the compiler replaces the path of the standard library with this path.
sysroot=$("${RUSTC:-rustc}" --print sysroot)
commit=$("${RUSTC:-rustc}" --version --verbose | sed -n 's/^commit-hash: //p')
remap "$sysroot/lib/rustlib/src/rust" "/rustc/$commit"
CARGO_ENCODED_RUSTFLAGS=$(IFS=$separator && printf '%s' "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS

# `cargo auditable` sets these variables, too. But it sets the first one to an absolute path, and cargo
# derives the names of symbols from that path.
export PATH=$target/real-parts/bin:$PATH
export RUSTC_WORKSPACE_WRAPPER=cargo-auditable
export CARGO_AUDITABLE_ORIG_ARGS='{"offline":false,"locked":true,"frozen":false,"config":[]}'
exec "$@"
