#!/bin/bash
# Usage: build.sh AMD64 ARM64 DOCUMENTS FOLDER
#
# Builds the container image from two static binaries. FOLDER/oci is an OCI layout with one index for
# linux/amd64 and linux/arm64. FOLDER/eni-bootstrap.tar contains the same image. DOCUMENTS contains the
# licenses of all crates, and the SBOM of each binary. `make image` calls this script. The script does not
# need root.
#
# The same inputs always produce the same bytes. The version comes from Cargo.toml. Every timestamp is
# SOURCE_DATE_EPOCH.
#
# Environment variables:
#   SOURCE_DATE_EPOCH  time of the build in seconds (default: time of the last commit)
#   IMAGE_REVISION     commit ID (default: from git)
#   IMAGE_SOURCE       URL of the source code (default: the image has no source label)
#   REGCTL             path of regctl
set -euo pipefail

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 4)) || { echo "usage: build.sh AMD64 ARM64 DOCUMENTS FOLDER" >&2; exit 64; }
mkdir -p "$4"
declare -A binaries=([amd64]=$(realpath "$1") [arm64]=$(realpath "$2"))
documents=$(realpath "$3") folder=$(realpath "$4")
regctl=$(command -v "${REGCTL:-regctl}") || fail "${REGCTL:-regctl} not found; run \`tests/real/install.sh regctl\` to build it"
regctl=$(realpath "$regctl")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The machine number in the ELF header. Without this check, a wrong binary would fail only at the first
# boot of a node.
declare -A machines=([amd64]=003e [arm64]=00b7)
for architecture in amd64 arm64; do
    binary=${binaries[$architecture]}
    [[ -f $binary ]] || fail "$binary not found; run \`make static static-arm64\` to build both binaries"
    [[ $(od -An -N4 -c "$binary") == " 177   E   L   F" &&
        $(od -An -j18 -N2 -t x2 --endian=little "$binary") == " ${machines[$architecture]}" ]] ||
        fail "$binary is not an $architecture binary"
done

cargo_toml() { sed -n "s/^$1 = \"\(.*\)\"/\1/p" Cargo.toml | head -n 1; }
version=$(cargo_toml version)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || fail "not a git checkout: set SOURCE_DATE_EPOCH"
revision=${IMAGE_REVISION:-$(git describe --always --dirty --abbrev=40 --exclude='*')} ||
    fail "not a git checkout: set IMAGE_REVISION"
created=$(date --utc --date "@$epoch" +%FT%TZ)
# regctl reads its timestamps from SOURCE_DATE_EPOC, without the H.
export SOURCE_DATE_EPOCH=$epoch SOURCE_DATE_EPOC=$epoch

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
metadata=(
    "title=$(cargo_toml name)"
    "description=$(cargo_toml description)"
    "version=$version"
    "revision=$revision"
    "created=$created"
    "licenses=$(cargo_toml license)"
    ${IMAGE_SOURCE:+"source=$IMAGE_SOURCE"}
)
labels=("${metadata[@]/#/--label=org.opencontainers.image.}")
annotations=("${metadata[@]/#/--annotation=org.opencontainers.image.}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made=ocidir://$work/oci
for architecture in amd64 arm64; do
    root=$work/$architecture
    install -D -m 755 "${binaries[$architecture]}" "$root/eni-bootstrap"
    # The same paths as in the packages.
    install -D -m 644 "$documents/eni-bootstrap-$architecture.cdx.json" "$root/usr/share/eni-bootstrap/eni-bootstrap.cdx.json"
    install -D -m 644 --target-directory "$root/usr/share/licenses/eni-bootstrap" LICENSE "$documents/third-party-licenses"
    tar --create --file "$root.tar" --directory "$root" --format=ustar --sort=name \
        --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$epoch" eni-bootstrap usr
    "$regctl" image create "$made:$architecture" --platform "linux/$architecture" --created "$created" \
        "${labels[@]}" "${annotations[@]}"
    # The image must contain the complete command. Bottlerocket cannot pass arguments to a bootstrap
    # container before core kit 10.4.0.
    "$regctl" image mod "$made:$architecture" --replace --layer-add "tar=$work/$architecture.tar" \
        --config-time "set=$created" --config-entrypoint '["/eni-bootstrap"]' --config-cmd '["run"]'
done >"$work/regctl.log"
"$regctl" index create "$made:$version" --ref "$made:amd64" --ref "$made:arm64" "${annotations[@]}" >>"$work/regctl.log"

# Copy only the finished image to a new layout, without the intermediate images.
"$regctl" image copy "$made:$version" "ocidir://$work/whole:$version" >>"$work/regctl.log"
"$regctl" image export --name "eni-bootstrap:$version" "ocidir://$work/whole:$version" "$work/eni-bootstrap.tar"
chmod -R u=rwX,go=rX "$work"/{whole,eni-bootstrap.tar}
rm -rf "$folder/oci" "$folder/eni-bootstrap.tar"
mv "$work/whole" "$folder/oci"
mv "$work/eni-bootstrap.tar" "$folder"
echo "$folder/oci:$version $("$regctl" manifest head "ocidir://$folder/oci:$version")"
