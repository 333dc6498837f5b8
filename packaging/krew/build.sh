#!/bin/bash
# Usage: build.sh BINARY FOLDER [ARM64]
#
# Writes the archives of the kubectl plugin and its krew manifest, eni.yaml, to FOLDER. BINARY is the static
# x86-64 binary, and ARM64 is the static arm64 binary. Without ARM64, the manifest contains only x86-64.
# `make plugin` and dist.sh call this script. The same inputs always produce the same bytes.
#
# Environment variables:
#   HOMEPAGE           URL of the project
#   DOWNLOADS          URL of the folder with the archives (default: HOMEPAGE/releases/vVERSION)
#   DOCUMENTS          folder with the man pages and completions: `plugin` in the output of `cargo run --example manual`
#   SOURCE_DATE_EPOCH  time of the files in the archive in seconds (default: time of the last commit)
set -euo pipefail
shopt -s inherit_errexit # a failure inside of $(archive …) must end the script

(($# == 2 || $# == 3)) || { echo "usage: build.sh BINARY FOLDER [ARM64]" >&2; exit 64; }
mkdir -p "$2"
binary=$(realpath "$1") folder=$(realpath "$2") arm64=${3:+$(realpath "$3")}
documents=$(realpath "${DOCUMENTS:?set it to the folder with the man pages and completions}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$(packaging/version.sh)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
homepage=${HOMEPAGE:-https://eni-bootstrap.example}
downloads=${DOWNLOADS:-$homepage/releases/v$version}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
install -m 0755 "$documents/kubectl_complete-eni" "$stage"
install -D -m 0644 -t "$stage/man/man1" "$documents"/*.1
install -D -m 0644 -t "$stage/completions" "$documents"/{kubectl-eni,_kubectl-eni,kubectl-eni.fish}
chmod 0755 "$stage"/{man,man/man1,completions}
install -m 0644 LICENSE "$stage"
# archive BINARY ARCHITECTURE: writes an archive, and prints its SHA-256.
archive() {
    local archive=$folder/kubectl-eni-linux-$2.tar.gz
    install -m 0755 "$1" "$stage/kubectl-eni"
    tar --create --directory "$stage" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
        kubectl-eni kubectl_complete-eni LICENSE completions man | gzip --best --no-name >"$archive"
    sha256sum "$archive" | cut -d ' ' -f 1
}
sum=$(archive "$binary" amd64)
edit=(-e "s|@SHA256@|$sum|g")
if [[ -n $arm64 ]]; then
    edit+=(-e "s|@SHA256_ARM64@|$(archive "$arm64" arm64)|g")
else
    edit+=(-e "/^    # arm64$/,\$d")
fi
sed "${edit[@]}" -e '/^ *#/d' -e "s|@VERSION@|$version|g" -e "s|@HOMEPAGE@|$homepage|g" \
    -e "s|@DOWNLOADS@|$downloads|g" packaging/krew/eni.yaml >"$folder/eni.yaml"
printf '%s: %s bytes, archive with sha256 %s\n' "$binary" "$(stat -c %s "$binary")" "$sum"
