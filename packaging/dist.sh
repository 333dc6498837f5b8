#!/bin/bash
# Usage: dist.sh TARGET FOLDER
#
# Copies all artefacts of a release to FOLDER, and writes their checksums to FOLDER/SHA256SUMS. TARGET is the
# target directory of cargo, where the make targets have built the artefacts. `make release` runs these targets
# and this script. The same inputs always produce the same bytes, except for the signature.
#
# Environment variables:
#   HOMEPAGE           URL of the project in the krew manifest
#   DOWNLOADS          URL of the folder with the artefacts of this version in the krew manifest
#   SOURCE_DATE_EPOCH  time of the files in the archives in seconds (default: time of the last commit)
#   SIGNING_KEY        file with the secret OpenPGP key that signs SHA256SUMS, in ASCII armor (default: FOLDER
#                      contains no signature)
#   SIGNING_PASSPHRASE passphrase of the key, if it has one
set -euo pipefail
export LC_ALL=C # the order of the files in SHA256SUMS

fail() {
    printf 'dist.sh: %s\n' "$1" >&2
    exit 1
}

(($# == 2)) || { echo "usage: dist.sh TARGET FOLDER" >&2; exit 64; }
mkdir -p "$2"
target=$(realpath "$1") folder=$(realpath "$2")
key=${SIGNING_KEY:+$(realpath "$SIGNING_KEY")}
[[ -z $key || -f $key ]] || fail "$key not found; set SIGNING_KEY to the file of an OpenPGP key"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(packaging/version.sh)
[[ -z $(ls -A "$folder") ]] || fail "$folder is not empty"

# put MODE SOURCE NAME
put() {
    [[ -f $2 ]] || fail "$2 not found; run \`make release\` to build it"
    install -m "$1" "$2" "$folder/$3"
}

arm64=aarch64-unknown-linux-gnu/release
# User data downloads these files: their names end with the output of `uname -m`.
put 755 "$target/release/eni-bootstrap" eni-bootstrap-x86_64
put 755 "$target/$arm64/eni-bootstrap" eni-bootstrap-aarch64
for architecture in amd64 arm64; do
    put 644 "$target/packages/eni-bootstrap_$version-1_$architecture.deb" "eni-bootstrap_$version-1_$architecture.deb"
    put 644 "$target/documents/eni-bootstrap-$architecture.cdx.json" "eni-bootstrap-$architecture.cdx.json"
    put 644 "$target/documents-operator/plugin/kubectl-eni-$architecture.cdx.json" "kubectl-eni-$architecture.cdx.json"
done
for architecture in x86_64 aarch64; do
    put 644 "$target/packages/eni-bootstrap-$version-1.$architecture.rpm" "eni-bootstrap-$version-1.$architecture.rpm"
done
put 644 "$target/image/eni-bootstrap.tar" "eni-bootstrap-image-$version.tar"
put 644 "$target/image-operator/kubectl-eni.tar" "kubectl-eni-image-$version.tar"
put 644 "$target/documents/third-party-licenses" third-party-licenses-eni-bootstrap.txt
put 644 "$target/documents-operator/plugin/third-party-licenses" third-party-licenses-kubectl-eni.txt
put 644 LICENSE LICENSE
put 644 packaging/rbac.yaml rbac.yaml
put 644 packaging/rbac-operator.yaml rbac-operator.yaml
put 644 packaging/settings.schema.json settings.schema.json
DOCUMENTS=$target/documents-operator/plugin packaging/krew/build.sh "$target/release/kubectl-eni" "$folder" "$target/$arm64/kubectl-eni" >/dev/null
packaging/chart/build.sh "$folder" >/dev/null

cd "$folder"
sha256sum -- * >SHA256SUMS
if [[ -n $key ]]; then
    # A new key ring, so that no other key signs.
    GNUPGHOME=$(mktemp -d)
    export GNUPGHOME
    trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
    gpg=(gpg --batch --quiet --pinentry-mode loopback --passphrase-fd 0)
    "${gpg[@]}" --import "$key" <<<"${SIGNING_PASSPHRASE:-}"
    "${gpg[@]}" --armor --detach-sign --output SHA256SUMS.asc SHA256SUMS <<<"${SIGNING_PASSPHRASE:-}"
fi
echo "$folder: version $version, $(wc -l <SHA256SUMS) files"
