#!/bin/bash
# install.sh [moto|awscli|imds|kubernetes|nodeadm|root|boot|nfpm|arm64|regctl|all]  Makes the real
# servers, the AWS CLI, nodeadm and the root folders that the tests use, a Rust that builds for arm64, and
# the tools that write the packages and the container image, under target/real-parts/. Each part is built
# beside its place and renamed into it, so it is whole or not there at all; a stamp with what it was made
# from makes a second run quick. all is what `make test` uses: all from moto to root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-target}
[[ $target == /* ]] || target=$here/../../$target # as cargo reads it from the repository's root
mkdir -p "$target/real-parts/bin"
parts=$(cd "$target/real-parts" && pwd)
need=$here/need.sh
root_suite=trixie
boot_suite=bookworm

say() { printf 'real-parts: %s\n' "$*" >&2; }

# make_part NAME PLACE PIN TIME: runs build_NAME PLACE PIN with an empty folder to build in, and puts
# what it leaves at out in that folder in PLACE.
make_part() {
    local name=$1 place=$parts/$2 pin=$3 stamp=$parts/$1.stamp started=$SECONDS
    build=$parts/$name.partial
    if [[ -e $place && -e $stamp && $(<"$stamp") == "$pin" ]]; then
        say "$name: there already"
        return
    fi
    say "$name: making $place (takes $4)"
    trap 'rm -rf --one-file-system "$build"' EXIT
    rm -rf --one-file-system "$build"
    mkdir "$build"
    "build_$name" "$place" "$pin"
    rm -rf --one-file-system "$stamp" "$place"
    mv "$build/out" "$place"
    printf '%s\n' "$pin" >"$stamp"
    say "$name: made in $((SECONDS - started)) s"
}

# EC2, EKS, STS and IAM: moto's server.
build_moto() {
    virtual_environment "$1" moto
    "$build/out/bin/python" -c 'import moto.server'
}

# The AWS CLI, with what stops its clock.
build_awscli() {
    virtual_environment "$1" awscli
    "$build/out/bin/python" -c 'import awscli.clidriver, freezegun'
}

# virtual_environment PLACE NAME: Python packages as NAME/requirements.txt has them, for PLACE.
virtual_environment() {
    local place=$1
    "$need" python3=python3,python3-venv
    python3 -c 'import ensurepip, venv' 2>/dev/null || "$need" python3-venv=python3-venv
    python3 -m venv "$build/out"
    "$build/out/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --requirement "$here/$2/requirements.txt" >&2
    # A virtual environment writes its own path into its scripts; give them the final one.
    grep -lIrZF "$build/out" "$build/out/bin" "$build/out/pyvenv.cfg" |
        xargs -0 sed -i "s|$build/out|$place|g"
}

# The instance metadata service: amazon-ec2-metadata-mock, from its Go module.
build_imds() {
    "$need" go=golang-go
    (cd "$here/imds" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/aws/amazon-ec2-metadata-mock/cmd)
    "$build/out" --help >/dev/null
}

# go_for NAME WHERE: sees to it that Go is there, and as new as NAME/go.mod asks for; WHERE it can be had.
go_for() {
    local wanted found
    "$need" go=golang-go
    wanted=$(awk '$1 == "go" { print $2 }' "$here/$1/go.mod")
    found=$(cd / && GOTOOLCHAIN=local go version | awk '{ print $3 }') # elsewhere an old Go would read go.mod
    if ! printf '%s\n' "$wanted" "${found#go}" | sort --check=quiet --version-sort; then
        say "$1: needs Go $wanted or later and this is $found ($2)"
        return 1
    fi
}

# The API server and etcd, from their Go modules.
build_kubernetes() {
    local version=${2%% *} minor
    go_for kubernetes "Debian trixie's golang-go; or set KUBEBUILDER_ASSETS to a folder with envtest's etcd and kube-apiserver"
    minor=${version#*.}
    # Its version is not in its sources: as it builds itself, the linker puts it in.
    (cd "$here/kubernetes" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version
            -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}" \
        -o "$build/out/" go.etcd.io/etcd/server/v3 k8s.io/kubernetes/cmd/kube-apiserver)
    mv "$build/out/server" "$build/out/etcd"
    "$build/out/etcd" --version >/dev/null
    [[ $("$build/out/kube-apiserver" --version) == "Kubernetes $version" ]]
}

# nodeadm, from its Go module.
build_nodeadm() {
    go_for nodeadm "go.dev has it where the distribution has not"
    (cd "$here/nodeadm" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/awslabs/amazon-eks-ami/nodeadm/cmd/nodeadm)
    "$build/out" --help 2>/dev/null
}

# nfpm, which makes the packages, from its Go module. Not 2.46 or later: they need go.digitalxero.dev/go-msix,
# which not every mirror of Go's modules hands out, and which is for Windows alone.
build_nfpm() {
    go_for nfpm "go.dev has it where the distribution has not"
    (cd "$here/nfpm" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/goreleaser/nfpm/v2/cmd/nfpm)
    "$build/out" --version >/dev/null
}

# A Rust with arm64's standard library: Debian's, for a machine whose own has none.
build_arm64() {
    "$here/../../packaging/cross/debian-rust.sh" "$build/out"
}

# regctl, which writes the container image, from its Go module.
build_regctl() {
    go_for regctl "go.dev has it where the distribution has not"
    (cd "$here/regctl" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/regclient/regclient/cmd/regctl)
    "$build/out" version >/dev/null
}

# debian_root NAME SUITE PACKAGES: a small Debian with these packages.
debian_root() {
    local name=$1 suite=$2 packages=$3 mirror
    if [[ $EUID -ne 0 ]]; then
        say "$name: only root can make it (mmdebstrap and chroot); run $0 $name as root"
        return 1
    fi
    "$need" mmdebstrap=mmdebstrap
    [[ -e /usr/share/keyrings/debian-archive-$suite-stable.gpg ]] ||
        "$need" "no-command=debian-archive-keyring"
    mirror=$(debian_mirror)
    if [[ -z $mirror ]]; then
        say "$name: no Debian mirror among this machine's apt sources; set DEBIAN_MIRROR to the address of one"
        return 1
    fi
    # Of the machine's own apt settings, those that decide whether the mirror can be reached.
    apt-config dump | grep -E '^Acquire::(https?::(Proxy|CaInfo)|Check-(Date|Valid-Until)) ' \
        >"$build/apt.conf" || true
    umask 022
    chmod 755 "$build" # apt reads the new root as a user of its own
    mmdebstrap --quiet --variant=minbase --aptopt="$build/apt.conf" --include="$packages" \
        "$suite" "$build/out" "$mirror" </dev/null >&2
}

# A root newer than most build machines, whose nsswitch.conf names resolve and myhostname: a static
# glibc program that calls getaddrinfo dies in it.
build_root() {
    debian_root root "$root_suite" libnss-resolve,libnss-myhostname
    sed -i 's/^hosts:.*/hosts: files resolve [!UNAVAIL=return] myhostname dns/' "$build/out/etc/nsswitch.conf"
    grep -q '^hosts: files resolve ' "$build/out/etc/nsswitch.conf"
    # Files of its own, for a test to mount its own over: the packages leave a link to a service
    # that does not run here, and no hosts file at all.
    rm -f "$build/out/etc/resolv.conf" "$build/out/etc/hosts"
    touch "$build/out/etc/resolv.conf" "$build/out/etc/hosts"
    chroot "$build/out" getent --version >/dev/null
}

# A root to boot, of the suite that has Amazon Linux 2023's systemd (252). With curl in it, which user
# data calls, and rpm, for the tests of the packages.
build_boot() {
    debian_root boot "$boot_suite" systemd,systemd-sysv,dbus,curl,rpm
    # An identity of its own: else each boot is a first boot, which enables what the packages like.
    echo 0123456789abcdef0123456789abcdef >"$build/out/etc/machine-id"
    echo node >"$build/out/etc/hostname"
    # Debian's own chores, which would go to the network.
    rm -f "$build"/out/etc/systemd/system/timers.target.wants/*
    [[ $(chroot "$build/out" systemctl --version) == "systemd 252 "* ]]
}

# The mirror that this machine's apt takes Debian itself from.
debian_mirror() {
    if [[ -n ${DEBIAN_MIRROR:-} ]]; then
        echo "$DEBIAN_MIRROR"
        return
    fi
    apt-get update -qq </dev/null >&2
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
        awk 'NR == 1'
}

case ${1:-all} in
all) # each in a process of its own: one that cannot be made does not keep the others from it
    missing=()
    for name in moto awscli imds kubernetes nodeadm root; do
        "${BASH_SOURCE[0]}" "$name" || missing+=("$name")
    done
    if ((${#missing[@]})); then
        say "not made: ${missing[*]}"
        exit 1
    fi
    exit
    ;;
moto | awscli | imds | kubernetes | nodeadm | root | boot | nfpm | arm64 | regctl) ;;
*)
    echo "usage: $0 [moto|awscli|imds|kubernetes|nodeadm|root|boot|nfpm|arm64|regctl|all]" >&2
    exit 64
    ;;
esac

exec {lock}>"$parts/.lock"
flock "$lock" # two at once would build in the same folder
case $1 in
moto | awscli) make_part "$1" "$1" "$(grep "^$1=" "$here/$1/requirements.txt") $(cksum <"$here/$1/requirements.txt")" "about a minute" ;;
imds) make_part imds bin/ec2-metadata-mock "$(grep -o "metadata-mock v.*" "$here/imds/go.mod") $(cat "$here"/imds/go.* | cksum)" "about a minute" ;;
kubernetes)
    if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
        say "kubernetes: taken from KUBEBUILDER_ASSETS"
        exit
    fi
    kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/kubernetes/go.mod")
    make_part kubernetes kubernetes "$kubernetes $(cat "$here"/kubernetes/go.* | cksum)" "about ten minutes"
    ;;
nodeadm) make_part nodeadm bin/nodeadm "$(grep -o "nodeadm v.*" "$here/nodeadm/go.mod") $(cat "$here"/nodeadm/go.* | cksum)" "about three minutes" ;;
nfpm) make_part nfpm bin/nfpm "$(grep -o "nfpm/v2 v.*" "$here/nfpm/go.mod") $(cat "$here"/nfpm/go.* | cksum)" "less than a minute" ;;
arm64) make_part arm64 arm64 "$(grep '^rust-version' "$here/../../Cargo.toml") $(cksum <"$here/../../packaging/cross/debian-rust.sh")" "about a minute" ;;
regctl) make_part regctl bin/regctl "$(grep -o "regclient v.*" "$here/regctl/go.mod") $(cat "$here"/regctl/go.* | cksum)" "about a minute" ;;
root) make_part root "$root_suite-root" "$root_suite $(declare -f debian_root build_root | cksum)" "about two minutes" ;;
boot) make_part boot boot-root "$boot_suite $(declare -f debian_root build_boot | cksum)" "about two minutes" ;;
esac
