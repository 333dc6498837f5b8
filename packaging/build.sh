#!/bin/bash
# Usage: build.sh ARCHITECTURE BINARY DOCUMENTS FOLDER
#
# Builds the deb and the rpm for ARCHITECTURE (amd64 or arm64) in FOLDER. BINARY is the static binary.
# DOCUMENTS contains the output of `cargo run --example manual`, and the SBOM of the binary as
# eni-bootstrap-ARCHITECTURE.cdx.json. `make packages` calls this script.
#
# The version comes from Cargo.toml. Every timestamp is SOURCE_DATE_EPOCH, by default the time of the
# last commit. Two builds of the same commit are therefore identical, except for the signatures.
#
# Environment variables:
#   SOURCE_DATE_EPOCH  time of the build in seconds
#   MAINTAINER         maintainer of the packages: "Name <address>"
#   NFPM               path of nfpm
#   SIGNING_KEY        file with the secret OpenPGP key that signs the packages, in ASCII armor (default:
#                      the packages are not signed)
#   SIGNING_PASSPHRASE passphrase of the key, if it has one
set -euo pipefail

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 4)) || { echo "usage: build.sh amd64|arm64 BINARY DOCUMENTS FOLDER" >&2; exit 64; }
mkdir -p "$4"
architecture=$1 binary=$(realpath "$2") documents=$(realpath "$3") folder=$(realpath "$4")
nfpm=$(command -v "${NFPM:-nfpm}") || fail "${NFPM:-nfpm} not found; run \`tests/real/install.sh nfpm\` to build it"
nfpm=$(realpath "$nfpm")
key=${SIGNING_KEY:+$(realpath "$SIGNING_KEY")}
[[ -z $key || -f $key ]] || fail "$key not found; set SIGNING_KEY to the file of an OpenPGP key"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The machine number in the ELF header. Without this check, a wrong binary would fail only at the first
# boot of a node.
case $architecture in
amd64) machine=003e ;;
arm64) machine=00b7 ;;
*) fail "unknown architecture \"$architecture\": use amd64 or arm64" ;;
esac
[[ -f $binary ]] || fail "$binary not found; run \`make static static-arm64\` to build both binaries"
[[ $(od -An -N4 -c "$binary") == " 177   E   L   F" && $(od -An -j18 -N2 -t x2 --endian=little "$binary") == " $machine" ]] ||
    fail "$binary is not an $architecture binary"

version=$(packaging/version.sh)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || fail "not a git checkout: set SOURCE_DATE_EPOCH"
maintainer=${MAINTAINER:-the authors of eni-bootstrap <maintainers@eni-bootstrap.example>}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/man1"
cp "$documents"/{eni-bootstrap,_eni-bootstrap,eni-bootstrap.fish,third-party-licenses} "$stage"
cp "$documents"/*.1 "$stage/man1"
cp "$documents/eni-bootstrap-$architecture.cdx.json" "$stage/eni-bootstrap.cdx.json"
cp CHANGELOG.md "$stage/changelog"
cat >"$stage/changelog.Debian" <<END
eni-bootstrap (${version/-/\~}-1) unstable; urgency=medium

  * See changelog.gz for the changes in this version.

 -- $maintainer  $(LC_ALL=C date --utc --date "@$epoch" --rfc-email)
END
gzip --best --no-name "$stage"/man1/*.1 "$stage"/changelog{,.Debian} "$stage/third-party-licenses"

for format in deb rpm; do
    ARCHITECTURE=$architecture VERSION=$version MAINTAINER=$maintainer BINARY=$binary STAGE=$stage \
        SIGNING_KEY=$key NFPM_PASSPHRASE=${SIGNING_PASSPHRASE:-} SOURCE_DATE_EPOCH=$epoch "$nfpm" package --config packaging/nfpm.yaml --packager "$format" \
        --target "$folder/" >"$stage/nfpm.log" || fail "nfpm failed to build the $format: $(<"$stage/nfpm.log")"
done
