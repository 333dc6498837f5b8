#!/bin/bash
# Usage: small.sh cargo rustc … -- FLAG…
#
# Runs a cargo command that links the static binary, and adds flags that make the binary smaller. These flags
# need LLD. The script uses the linker of rustc if it is LLD, as on x86-64 with Rust from rustup. Otherwise it uses the
# LLD of the installed Rust, or else that of the distribution.
set -euo pipefail

(($#)) || { echo "usage: small.sh cargo rustc … -- FLAG…" >&2; exit 64; }
cd "$(dirname "${BASH_SOURCE[0]}")/.." # cargo also links in this directory
rustc=${RUSTC:-rustc}
probe=(-C panic=abort -C target-feature=+crt-static)
for ((i = 1; i <= $#; i++)); do
    [[ ${!i} == --target ]] || continue
    i=$((i + 1)) target=${!i}
    linker=CARGO_TARGET_${target//-/_}_LINKER
    linker=${linker^^}
    probe+=(--target "$target")
    [[ -z ${!linker:-} ]] || probe+=(-C "linker=${!linker}")
done

# --icf=all merges identical functions. LLD merges more strings with -O2. cargo derives the names of symbols from
# these flags, so they must not contain a path of the build machine.
flags=(-C 'link-arg=-Wl,-O2,--icf=all' -C 'link-arg=-Wl,--no-eh-frame-hdr,-T,packaging/no-unwind-tables.ld')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
links() {
    echo 'fn main() {}' | "$rustc" --crate-name probe "${probe[@]}" "$@" "${flags[@]}" -o "$work/probe" - 2>"$work/log"
}

lld=()
if ! links; then
    host=$(rustc --version --verbose | sed -n 's/^host: //p')
    # gcc for another architecture does not search PATH.
    COMPILER_PATH=$(rustc --print sysroot)/lib/rustlib/$host/bin/gcc-ld:$(dirname "$(command -v ld.lld || echo /usr/bin/ld.lld)")
    export COMPILER_PATH
    lld=(-C link-arg=-fuse-ld=lld)
    links "${lld[@]}" || {
        echo "LLD cannot link the binary; install lld, or Rust with rustup:" >&2
        cat "$work/log" >&2
        exit 1
    }
fi
rm -rf "$work"
exec "$@" "${lld[@]}" "${flags[@]}"
