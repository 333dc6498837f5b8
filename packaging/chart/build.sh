#!/bin/bash
# Usage: build.sh FOLDER
#
# Writes the archive of the Helm chart to FOLDER, with the version in Cargo.toml as the version of the chart and
# of its application. `make chart` calls this script. The same inputs always produce the same bytes.
#
# Environment variables:
#   SOURCE_DATE_EPOCH  time of the files in the archive in seconds (default: time of the last commit)
set -euo pipefail

(($# == 1)) || { echo "usage: build.sh FOLDER" >&2; exit 64; }
mkdir -p "$1"
folder=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"
version=$(../version.sh)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -r eni-bootstrap "$stage"
sed -e '/^#/d' -e "s/^version: .*/version: $version/" -e "s/^appVersion: .*/appVersion: \"$version\"/" \
    eni-bootstrap/Chart.yaml >"$stage/eni-bootstrap/Chart.yaml"
archive=$folder/eni-bootstrap-$version.tgz
tar --create --directory "$stage" --format=ustar --sort=name --mtime="@$epoch" --owner=0 --group=0 \
    --numeric-owner --mode=u=rwX,go=rX --exclude-from=eni-bootstrap/.helmignore eni-bootstrap | gzip --best --no-name >"$archive"
echo "$archive"
