#!/bin/bash
# Usage: build.sh AMD64 ARM64 DOCUMENTS FOLDER [PROGRAM]
#
# Builds the container image from two static binaries. FOLDER/oci is an OCI layout with one index for
# linux/amd64 and linux/arm64. FOLDER/PROGRAM.tar contains the same image. DOCUMENTS contains the licenses of
# all crates, and the SBOM of each binary. `make image` and `make image-operator` call this script. The script
# does not need root.
#
# PROGRAM is eni-bootstrap (the default), for Bottlerocket, or kubectl-eni, for pods.
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

(($# == 4 || $# == 5)) || { echo "usage: build.sh AMD64 ARM64 DOCUMENTS FOLDER [PROGRAM]" >&2; exit 64; }
program=${5:-eni-bootstrap} user=
# The image must contain the complete command of eni-bootstrap. Bottlerocket cannot pass arguments to a
# bootstrap container before core kit 10.4.0.
case $program in
eni-bootstrap)
    path=/eni-bootstrap command='["run"]' manifest=Cargo.toml targets="static static-arm64"
    ;;
kubectl-eni)
    path=/usr/bin/kubectl-eni command='' manifest=crates/kubectl-eni/Cargo.toml targets="plugin plugin-arm64"
    # A number, because the image has no user accounts. The kubelet also requires a number for runAsNonRoot.
    user=65532:65532
    ;;
*) fail "unknown program \"$program\": use eni-bootstrap or kubectl-eni" ;;
esac
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
    [[ -f $binary ]] || fail "$binary not found; run \`make $targets\` to build both binaries"
    [[ $(od -An -N4 -c "$binary") == " 177   E   L   F" &&
        $(od -An -j18 -N2 -t x2 --endian=little "$binary") == " ${machines[$architecture]}" ]] ||
        fail "$binary is not an $architecture binary"
done

cargo_toml() { sed -n "/^$1 = /{s/^$1 = \"\(.*\)\"/\1/p;q}" "${2:-Cargo.toml}"; }
version=$(cargo_toml version)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} || fail "not a git checkout: set SOURCE_DATE_EPOCH"
revision=${IMAGE_REVISION:-$(git describe --always --dirty --abbrev=40 --exclude='*')} ||
    fail "not a git checkout: set IMAGE_REVISION"
created=$(date --utc --date "@$epoch" +%FT%TZ)
# regctl reads its timestamps from SOURCE_DATE_EPOC, without the H.
export SOURCE_DATE_EPOCH=$epoch SOURCE_DATE_EPOC=$epoch

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
metadata=(
    "title=$program"
    "description=$(cargo_toml description "$manifest")"
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

# Sets the user in the configuration of an image. regctl has no option for it.
set_user() {
    local image=$1 size digest
    "$regctl" manifest get --format raw-body "$image" >"$work/manifest.json"
    "$regctl" blob get "$image" "$(jq --raw-output .config.digest "$work/manifest.json")" |
        jq --compact-output --arg user "$user" '.config.User = $user' >"$work/config.json"
    size=$(stat -c %s "$work/config.json")
    digest=$("$regctl" blob put "$image" <"$work/config.json")
    jq --compact-output --arg digest "$digest" --argjson size "$size" \
        '.config += { digest: $digest, size: $size }' "$work/manifest.json" |
        "$regctl" manifest put --content-type application/vnd.oci.image.manifest.v1+json "$image"
}

for architecture in amd64 arm64; do
    root=$work/$architecture
    install -D -m 755 "${binaries[$architecture]}" "$root$path"
    # The same paths as in the packages.
    install -D -m 644 "$documents/$program-$architecture.cdx.json" "$root/usr/share/$program/$program.cdx.json"
    install -D -m 644 --target-directory "$root/usr/share/licenses/$program" LICENSE "$documents/third-party-licenses"
    entries=("$root"/*)
    tar --create --file "$root.tar" --directory "$root" --format=ustar --sort=name \
        --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$epoch" "${entries[@]##*/}"
    "$regctl" image create "$made:$architecture" --platform "linux/$architecture" --created "$created" \
        "${labels[@]}" "${annotations[@]}"
    "$regctl" image mod "$made:$architecture" --replace --layer-add "tar=$work/$architecture.tar" \
        --config-time "set=$created" --config-entrypoint "[\"$path\"]" ${command:+--config-cmd "$command"}
    [[ -z $user ]] || set_user "$made:$architecture"
done >"$work/regctl.log"
"$regctl" index create "$made:$version" --ref "$made:amd64" --ref "$made:arm64" "${annotations[@]}" >>"$work/regctl.log"

# Copy only the finished image to a new layout, without the intermediate images.
"$regctl" image copy "$made:$version" "ocidir://$work/whole:$version" >>"$work/regctl.log"
"$regctl" image export --name "$program:$version" "ocidir://$work/whole:$version" "$work/$program.tar"
chmod -R u=rwX,go=rX "$work"/{whole,"$program.tar"}
rm -rf "$folder/oci" "$folder/$program.tar"
mv "$work/whole" "$folder/oci"
mv "$work/$program.tar" "$folder"
echo "$folder/oci:$version $("$regctl" manifest head "ocidir://$folder/oci:$version")"
