#!/bin/bash
# build.sh AMD64 ARM64 FOLDER  Writes the container image of these two static binaries: FOLDER/oci, an OCI
# layout with one index for linux/amd64 and linux/arm64, and the same as FOLDER/eni-bootstrap.tar.
# `make image` calls it.
#
# The same inputs give the same bytes, whoever builds and when: the version is Cargo.toml's, and every time
# is SOURCE_DATE_EPOCH's, or else the last commit's. IMAGE_REVISION is the commit it is built from, or else
# git says it. IMAGE_SOURCE, where the source code can be had, is not known here: without it that label is
# left out. REGCTL is the program that writes images. It takes no right beyond those of a file's owner.
set -euo pipefail

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 3)) || { echo "usage: build.sh AMD64 ARM64 FOLDER" >&2; exit 64; }
mkdir -p "$3"
declare -A binaries=([amd64]=$(realpath "$1") [arm64]=$(realpath "$2"))
folder=$(realpath "$3")
regctl=$(command -v "${REGCTL:-regctl}") || fail "there is no ${REGCTL:-regctl}; \`tests/real/install.sh regctl\` makes it"
regctl=$(realpath "$regctl")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# As ELF numbers the machines: a node would notice at its first boot.
declare -A machines=([amd64]=003e [arm64]=00b7)
for architecture in amd64 arm64; do
    binary=${binaries[$architecture]}
    [[ -f $binary ]] || fail "there is no $binary; \`make static static-arm64\` builds both"
    [[ $(od -An -N4 -c "$binary") == " 177   E   L   F" &&
        $(od -An -j18 -N2 -t x2 --endian=little "$binary") == " ${machines[$architecture]}" ]] ||
        fail "$binary is no program for $architecture"
done

cargo_toml() { sed -n "s/^$1 = \"\(.*\)\"/\1/p" Cargo.toml | head -n 1; }
version=$(cargo_toml version)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || fail "set SOURCE_DATE_EPOCH: this is no git checkout"
revision=${IMAGE_REVISION:-$(git describe --always --dirty --abbrev=40 --exclude='*')} ||
    fail "set IMAGE_REVISION: this is no git checkout"
created=$(date --utc --date "@$epoch" +%FT%TZ)
# regctl's own time stamps; it spells the variable without the H.
export SOURCE_DATE_EPOCH=$epoch SOURCE_DATE_EPOC=$epoch

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
said=(
    "title=$(cargo_toml name)"
    "description=$(cargo_toml description)"
    "version=$version"
    "revision=$revision"
    "created=$created"
    "licenses=$(cargo_toml license)"
    ${IMAGE_SOURCE:+"source=$IMAGE_SOURCE"}
)
labels=("${said[@]/#/--label=org.opencontainers.image.}")
annotations=("${said[@]/#/--annotation=org.opencontainers.image.}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made=ocidir://$work/oci
for architecture in amd64 arm64; do
    mkdir "$work/$architecture"
    cp "${binaries[$architecture]}" "$work/$architecture/eni-bootstrap"
    tar --create --file "$work/$architecture.tar" --directory "$work/$architecture" --format=ustar \
        --owner=0 --group=0 --numeric-owner --mode=0755 --mtime="@$epoch" eni-bootstrap
    "$regctl" image create "$made:$architecture" --platform "linux/$architecture" --created "$created" \
        "${labels[@]}" "${annotations[@]}"
    # The entry point is what a bootstrap container runs, which cannot be given arguments before
    # Bottlerocket's core kit 10.4.0.
    "$regctl" image mod "$made:$architecture" --replace --layer-add "tar=$work/$architecture.tar" \
        --config-time "set=$created" --config-entrypoint '["/eni-bootstrap"]' --config-cmd '["run"]'
done >"$work/said"
"$regctl" index create "$made:$version" --ref "$made:amd64" --ref "$made:arm64" "${annotations[@]}" >>"$work/said"

# Copied once more: a folder without the steps before.
"$regctl" image copy "$made:$version" "ocidir://$work/whole:$version" >>"$work/said"
"$regctl" image export --name "eni-bootstrap:$version" "ocidir://$work/whole:$version" "$work/eni-bootstrap.tar"
chmod -R u=rwX,go=rX "$work"/{whole,eni-bootstrap.tar}
rm -rf "$folder/oci" "$folder/eni-bootstrap.tar"
mv "$work/whole" "$folder/oci"
mv "$work/eni-bootstrap.tar" "$folder"
echo "$folder/oci:$version $("$regctl" manifest head "ocidir://$folder/oci:$version")"
