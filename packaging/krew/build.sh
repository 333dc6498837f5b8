#!/bin/bash
# Usage: build.sh BINARY FOLDER
#
# Writes the archive of the kubectl plugin and its krew manifest, eni.yaml, to FOLDER. BINARY is the static
# x86-64 binary. `make plugin` calls this script. The same inputs always produce the same bytes.
#
# Environment variables:
#   HOMEPAGE           URL at which users find the project and its releases
#   DOCUMENTS          folder with the man pages and completions: `plugin` in the output of `cargo run --example manual`
#   SOURCE_DATE_EPOCH  time of the files in the archive in seconds (default: time of the last commit)
set -euo pipefail

(($# == 2)) || { echo "usage: build.sh BINARY FOLDER" >&2; exit 64; }
mkdir -p "$2"
binary=$(realpath "$1") folder=$(realpath "$2")
documents=$(realpath "${DOCUMENTS:?set it to the folder with the man pages and completions}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
homepage=${HOMEPAGE:-https://eni-bootstrap.example}
archive=$folder/kubectl-eni-linux-amd64.tar.gz

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
install -m 0755 "$documents/kubectl_complete-eni" "$stage"
install -D -m 0644 -t "$stage/man/man1" "$documents"/*.1
install -D -m 0644 -t "$stage/completions" "$documents"/{kubectl-eni,_kubectl-eni,kubectl-eni.fish}
chmod 0755 "$stage"/{man,man/man1,completions}
install -m 0755 "$binary" "$stage/kubectl-eni"
install -m 0644 LICENSE "$stage"
tar --create --directory "$stage" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
    kubectl-eni kubectl_complete-eni LICENSE completions man | gzip --best --no-name >"$archive"
read -r sum _ < <(sha256sum "$archive")
sed -e '/^#/d' -e "s|@VERSION@|$version|g" -e "s|@HOMEPAGE@|$homepage|g" -e "s|@SHA256@|$sum|g" \
    packaging/krew/eni.yaml >"$folder/eni.yaml"
printf '%s: %s bytes, archive with sha256 %s\n' "$binary" "$(stat -c %s "$binary")" "$sum"
