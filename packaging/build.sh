#!/bin/bash
# build.sh ARCHITECTURE BINARY MANUAL FOLDER  Makes the deb and the rpm of amd64 or arm64 in FOLDER, from
# the static binary and the folder that `cargo run --example manual` has filled. `make packages` calls it.
#
# The version is Cargo.toml's; every time stamp is SOURCE_DATE_EPOCH's, or that of the last commit: two
# builds of one commit are equal. MAINTAINER is who is to be written to, NFPM the program that packs.
set -euo pipefail

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 4)) || { echo "usage: build.sh amd64|arm64 BINARY MANUAL FOLDER" >&2; exit 64; }
mkdir -p "$4"
architecture=$1 binary=$(realpath "$2") manual=$(realpath "$3") folder=$(realpath "$4")
nfpm=$(command -v "${NFPM:-nfpm}") || fail "there is no ${NFPM:-nfpm}; \`tests/real/install.sh nfpm\` makes it"
nfpm=$(realpath "$nfpm")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# As ELF numbers the machines: an image would notice at its first boot.
case $architecture in
amd64) machine=003e ;;
arm64) machine=00b7 ;;
*) fail "there is no architecture $architecture: it is amd64 or arm64" ;;
esac
[[ -f $binary ]] || fail "there is no $binary; \`make static static-arm64\` builds both"
[[ $(od -An -N4 -c "$binary") == " 177   E   L   F" && $(od -An -j18 -N2 -t x2 --endian=little "$binary") == " $machine" ]] ||
    fail "$binary is no program for $architecture"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || fail "set SOURCE_DATE_EPOCH: this is no git checkout"
maintainer=${MAINTAINER:-the authors of eni-bootstrap <maintainers@eni-bootstrap.example>}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/man1"
cp "$manual"/{eni-bootstrap,_eni-bootstrap,eni-bootstrap.fish,third-party-licenses} "$stage"
cp "$manual"/*.1 "$stage/man1"
cp CHANGELOG.md "$stage/changelog"
cat >"$stage/changelog.Debian" <<END
eni-bootstrap (${version/-/\~}-1) unstable; urgency=medium

  * What has changed in this version stands in changelog.gz.

 -- $maintainer  $(LC_ALL=C date --utc --date "@$epoch" --rfc-email)
END
gzip --best --no-name "$stage"/man1/*.1 "$stage"/changelog{,.Debian} "$stage/third-party-licenses"

for format in deb rpm; do
    ARCHITECTURE=$architecture VERSION=$version MAINTAINER=$maintainer BINARY=$binary STAGE=$stage \
        SOURCE_DATE_EPOCH=$epoch "$nfpm" package --config packaging/nfpm.yaml --packager "$format" \
        --target "$folder/" >"$stage/said" || fail "nfpm made no $format: $(<"$stage/said")"
done
