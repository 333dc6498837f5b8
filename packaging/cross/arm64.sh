#!/bin/bash
# Usage: arm64.sh COMMAND…
#
# Runs a cargo command in an environment that can build for aarch64-unknown-linux-gnu. The script uses
# the installed Rust if it has this target, otherwise Debian's Rust. If the machine is not arm64, the
# script also sets a cross linker. It keeps RUSTC and a linker that the caller has set.
set -euo pipefail

(($#)) || { echo "usage: arm64.sh COMMAND…" >&2; exit 64; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
real=$here/../../tests/real
target=aarch64-unknown-linux-gnu

can_build() { compgen -G "$("$1" --print target-libdir --target "$target")/libstd-*.rlib" >/dev/null; }
if ! can_build "${RUSTC:-rustc}"; then
    echo "This Rust has no standard library for arm64; downloading Debian's Rust. To use your own Rust instead, run: rustup target add $target" >&2
    "$real/install.sh" arm64
    folder=${CARGO_TARGET_DIR:-target}
    [[ $folder == /* ]] || folder=$here/../../$folder # cargo resolves a relative path from the repository root
    export RUSTC=$folder/real-parts/arm64/bin/rustc
fi
if [[ $(uname -m) != aarch64 ]]; then
    "$real/need.sh" "${CC_aarch64_unknown_linux_gnu:-aarch64-linux-gnu-gcc}=gcc-aarch64-linux-gnu,libc6-dev-arm64-cross"
    export CC_aarch64_unknown_linux_gnu=${CC_aarch64_unknown_linux_gnu:-aarch64-linux-gnu-gcc}
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER:-aarch64-linux-gnu-gcc}
fi
exec "$@"
