#!/bin/bash
# Usage: sbom.sh ARCHITECTURE BINARY FILE [PROGRAM]
#
# Writes the software bill of materials (SBOM) of BINARY to FILE, in the format CycloneDX 1.5 (JSON).
# ARCHITECTURE is amd64 or arm64. PROGRAM is eni-bootstrap (the default) or kubectl-eni. The SBOM lists the crates that are linked into the binary. It does not
# list build scripts, procedural macros and the crates of the tests. The crates in third-party have the package
# URL of the published crate, so that scanners find them, and their pedigree names the published crate.
#
# The same inputs always produce the same bytes.
#
# Environment variables:
#   SOURCE_DATE_EPOCH  time of the build in seconds (default: time of the last commit)
#   CARGO_CYCLONEDX    path of cargo-cyclonedx
set -euo pipefail

fail() {
    printf 'sbom.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 3 || $# == 4)) || { echo "usage: sbom.sh amd64|arm64 BINARY FILE [PROGRAM]" >&2; exit 64; }
program=${4:-eni-bootstrap}
case $program in
eni-bootstrap) crate=. targets="static static-arm64" ;;
kubectl-eni) crate=crates/kubectl-eni targets="plugin plugin-arm64" ;;
*) fail "unknown program \"$program\": use eni-bootstrap or kubectl-eni" ;;
esac
architecture=$1 binary=$(realpath "$2") file=$(realpath "$3")
cyclonedx=$(command -v "${CARGO_CYCLONEDX:-cargo-cyclonedx}") ||
    fail "${CARGO_CYCLONEDX:-cargo-cyclonedx} not found; run \`tests/real/install.sh cargo-cyclonedx\` to build it"
cyclonedx=$(realpath "$cyclonedx")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case $architecture in
amd64) target=x86_64-unknown-linux-gnu ;;
arm64) target=aarch64-unknown-linux-gnu ;;
*) fail "unknown architecture \"$architecture\": use amd64 or arm64" ;;
esac
[[ -f $binary ]] || fail "$binary not found; run \`make $targets\` to build both binaries"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || fail "not a git checkout: set SOURCE_DATE_EPOCH"
export SOURCE_DATE_EPOCH

# cargo-cyclonedx writes its output next to each Cargo.toml. Run it on a copy.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
cp -r Cargo.toml Cargo.lock benches src crates packaging tests third-party "$work/source"
(cd "$work/source" && "$cyclonedx" cyclonedx --quiet --format json --spec-version 1.5 --describe binaries \
    --no-build-deps --target "$target") 2>"$work/log" ||
    fail "cargo-cyclonedx failed: $(<"$work/log")"

# cargo-cyclonedx also lists procedural macros, and crates that only the tests enable. cargo tree excludes
# them.
cargo tree --quiet --locked --package "$program" --edges normal,no-proc-macro --target "$target" --prefix none \
    --format '{p}' >"$work/tree"
jq --arg source "$work/source" --arg sha256 "$(sha256sum "$binary" | cut -d ' ' -f 1)" --rawfile tree "$work/tree" \
    --slurpfile copies packaging/aws-sdk-subset/crates.json '
    ($tree | split("\n") | map(split(" ")[:2] | join(" "))) as $linked
    | .components |= map(select("\(.name) v\(.version)" | IN($linked[])))
    | (.components + [.metadata.component] | map(."bom-ref")) as $refs
    | .dependencies |= map(select(.ref | IN($refs[])) | if .dependsOn then .dependsOn |= map(select(IN($refs[]))) else . end)
    | .components |= map($copies[0][.name] as $copy | if $copy then
        .purl = "pkg:cargo/\(.name)@\($copy.version)"
        | .pedigree = {
            ancestors: [{ type, name, version: $copy.version, hashes: [{ alg: "SHA-256", content: $copy.sha256 }], purl }],
            notes: "contains only the operations \($copy.operations | join(", "))"
        }
    else . end)
    | .metadata.component.hashes = [{ alg: "SHA-256", content: $sha256 }]
    | walk(if type == "string" then split($source) | join("/eni-bootstrap") else . end)
' "$work/source/$crate/${program}_bin.cdx.json" >"$work/sbom"
install -m 644 "$work/sbom" "$file"
