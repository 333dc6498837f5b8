#!/bin/bash
# Usage: install.sh [moto|awscli|imds|kubernetes|kubelet|nodeadm|nodeadm-max-pods|karpenter-cel|karpenter-crds|cni-limits|ipamd|root|boot|nfpm|arm64|regctl|toxiproxy|cargo-auditable|cargo-cyclonedx|cargo-deny|cyclonedx|eksnode|helm|mdbook|actionlint|promlint|all]
#
# Installs the programs that the tests and builds need in target/real-parts/:
#   moto        simulated AWS APIs (EC2, EKS, STS, IAM)
#   awscli      the AWS CLI
#   imds        a simulated instance metadata service
#   kubernetes  kube-apiserver and etcd
#   kubelet     the kubelet, in two versions
#   nodeadm     nodeadm
#   nodeadm-max-pods  a program that evaluates maxPodsExpression with nodeadm's function
#   karpenter-cel  a program that evaluates expressions with Karpenter's package
#   karpenter-crds  the CustomResourceDefinitions of Karpenter
#   cni-limits  a program that prints the tables of the VPC CNI
#   promlint    a program that lints metrics with the rules of promtool
#   ipamd       ipamd, the daemon of the VPC CNI, and a program that requests addresses from it
#   root        a root directory with another C library
#   boot        a root directory that the tests boot
#   nfpm        the tool that builds the packages
#   arm64       a Rust compiler for arm64
#   regctl      the tool that builds the container image
#   toxiproxy   a TCP proxy that simulates network faults
#   cargo-auditable  the tool that adds the list of crates to the binary
#   cargo-cyclonedx  the tool that generates the SBOM
#   cargo-deny  the tool that checks the dependencies
#   cyclonedx   the validator of SBOMs
#   helm        Helm, which renders the chart
#   mdbook      mdBook, which builds the documentation site
#   actionlint  the tool that checks the workflows of GitHub Actions, for `make lint`
#   eksnode     eksnode, which `make bench` measures if it is installed
#   all         moto, awscli, imds, kubernetes, nodeadm, nodeadm-max-pods, karpenter-cel, karpenter-crds, cni-limits, promlint, helm and root, for `make test` (default)
#
# Each part is built in a temporary directory and then renamed, so an incomplete part is never used. A
# stamp file records the sources of a part. A part is rebuilt only if its sources have changed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-target}
[[ $target == /* ]] || target=$here/../../$target # cargo resolves a relative path from the repository root
mkdir -p "$target/real-parts/bin"
parts=$(cd "$target/real-parts" && pwd)
need=$here/need.sh
root_suite=trixie
boot_suite=bookworm
cargo_auditable=0.7.7
cargo_cyclonedx=0.5.9
cargo_deny=0.20.2
mdbook=0.5.4
karpenter=github.com/aws/karpenter-provider-aws@v1.15.1
karpenter_cel_sha256=c85be5519c2992a6f516b61a47cc042a1cb510fa6d263792e51f503b0d831993
karpenter_crds_sha256=26e75e7fb3f7d9b4e53b082d97ec33a898482e9c50536346b6972775407fa299
eksnode=c4cca98ef3e91541863b3a74fceac6cc7d293b2b

log() { printf 'real-parts: %s\n' "$*" >&2; }

# make_part NAME PLACE PIN DURATION: runs build_NAME PLACE PIN with an empty build directory. Then moves
# out/ from the build directory to PLACE. DURATION is the expected time for the log.
make_part() {
    local name=$1 place=$parts/$2 pin=$3 stamp=$parts/$1.stamp started=$SECONDS
    build=$parts/$name.partial
    if [[ -e $place && -e $stamp && $(<"$stamp") == "$pin" ]]; then
        log "$name: up to date"
        return
    fi
    log "$name: building $place (takes $4)"
    trap 'rm -rf --one-file-system "$build"' EXIT
    rm -rf --one-file-system "$build"
    mkdir "$build"
    "build_${name//-/_}" "$place" "$pin"
    rm -rf --one-file-system "$stamp" "$place"
    mv "$build/out" "$place"
    printf '%s\n' "$pin" >"$stamp"
    log "$name: built in $((SECONDS - started)) s"
}

# Installs the moto server, which simulates EC2, EKS, STS and IAM.
build_moto() {
    virtual_environment "$1" moto
    "$build/out/bin/python" -c 'import moto.server'
}

# Installs the AWS CLI, and freezegun, which stops its clock.
build_awscli() {
    virtual_environment "$1" awscli
    "$build/out/bin/python" -c 'import awscli.clidriver, freezegun'
}

# Installs the CycloneDX library, which contains the schema of SBOMs.
build_cyclonedx() {
    virtual_environment "$1" cyclonedx
    "$build/out/bin/python" -c 'import cyclonedx.validation.json, jsonschema'
}

# virtual_environment PLACE NAME: creates a virtual environment for PLACE with the Python packages from
# NAME/requirements.txt.
virtual_environment() {
    local place=$1
    "$need" python3=python3,python3-venv
    python3 -c 'import ensurepip, venv' 2>/dev/null || "$need" python3-venv=python3-venv
    python3 -m venv "$build/out"
    "$build/out/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --requirement "$here/$2/requirements.txt" >&2
    # The scripts of a virtual environment contain its path. Replace the path with the final one.
    grep -lIrZF "$build/out" "$build/out/bin" "$build/out/pyvenv.cfg" |
        xargs -0 sed -i "s|$build/out|$place|g"
}

# Builds amazon-ec2-metadata-mock, the simulated instance metadata service, from its Go module.
build_imds() {
    "$need" go=golang-go
    (cd "$here/imds" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/aws/amazon-ec2-metadata-mock/cmd)
    "$build/out" --help >/dev/null
}

# go_for NAME HELP: checks that Go is installed and is at least the version in NAME/go.mod. Otherwise
# prints HELP and fails.
go_for() {
    local required installed
    "$need" go=golang-go
    required=$(awk '$1 == "go" { print $2 }' "$here/$1/go.mod")
    installed=$(cd / && GOTOOLCHAIN=local go version | awk '{ print $3 }') # in a module directory, an old Go would fail on go.mod
    if ! printf '%s\n' "$required" "${installed#go}" | sort --check=quiet --version-sort; then
        log "$1: needs Go $required or later, but $installed is installed; $2"
        return 1
    fi
}

# kubernetes_version NAME: prints the version of k8s.io/kubernetes in NAME/go.mod.
kubernetes_version() {
    awk '{ sub(/^require /, "") } $1 == "k8s.io/kubernetes" { print $2 }' "$here/$1/go.mod"
}

# go_build_kubernetes NAME VERSION PACKAGE…: builds programs of Kubernetes VERSION with the pins in
# NAME/go.mod. The sources do not contain the version. Set it with linker flags, as the Kubernetes build does.
go_build_kubernetes() {
    local name=$1 version=$2 minor=${2#*.}
    (cd "$here/$name" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version
            -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}" \
        -o "$build/out/" "${@:3}")
}

# Builds kube-apiserver and etcd from their Go modules.
build_kubernetes() {
    local version=${2%% *}
    go_for kubernetes "install golang-go from Debian trixie, or set KUBEBUILDER_ASSETS to a directory with envtest's etcd and kube-apiserver"
    go_build_kubernetes kubernetes "$version" go.etcd.io/etcd/server/v3 k8s.io/kubernetes/cmd/kube-apiserver
    mv "$build/out/server" "$build/out/etcd"
    "$build/out/etcd" --version >/dev/null
    [[ $("$build/out/kube-apiserver" --version) == "Kubernetes $version" ]]
}

# Builds one kubelet for each directory kubelet-MINOR, as out/kubelet-MINOR.
build_kubelet() {
    local module name version
    for module in "$here"/kubelet-*; do
        name=${module##*/}
        version=$(kubernetes_version "$name")
        go_for "$name" "download it from go.dev if your distribution does not have it"
        go_build_kubernetes "$name" "$version" k8s.io/kubernetes/cmd/kubelet
        mv "$build/out/kubelet" "$build/out/$name"
        [[ $("$build/out/$name" --version) == "Kubernetes $version" ]]
    done
}

# Builds nodeadm from its Go module.
build_nodeadm() {
    go_for nodeadm "download it from go.dev if your distribution does not have it"
    (cd "$here/nodeadm" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/awslabs/amazon-eks-ami/nodeadm/cmd/nodeadm)
    "$build/out" --help 2>/dev/null
}

# Builds the program that evaluates maxPodsExpression, in a copy of nodeadm's module, because the function is
# internal to it. The module's own go.sum pins its dependencies.
build_nodeadm_max_pods() {
    local module
    go_for nodeadm "download it from go.dev if your distribution does not have it"
    module=$(cd "$here/nodeadm" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go list -m -f '{{.Dir}}' \
        github.com/awslabs/amazon-eks-ami/nodeadm)
    mkdir "$build/source"
    cp -R "$module"/{api,internal,go.mod,go.sum} "$build/source"
    chmod -R u+w "$build/source" # the module cache is read-only
    install -D -m 644 "$here/nodeadm-max-pods/main.go" "$build/source/cmd/max-pods/main.go"
    (cd "$build/source" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" ./cmd/max-pods)
    [[ $("$build/out" <<<'[{"defaultMaxENIs": 3, "ipv4AddressesPerInterface": 10}] "max_pods - 9"') == "[20]" ]]
}

# Builds the program that evaluates the expressions of an EC2NodeClass, with the package pkg/cel of Karpenter's Go
# module. The module requires a newer patch release of Go than this package, so only the package is copied.
build_karpenter_cel() {
    local modules file=pkg/cel/environment.go
    go_for karpenter-cel "download it from go.dev if your distribution does not have it"
    modules=$(cd / && GOTOOLCHAIN=local go env GOMODCACHE)
    # With an older Go, the download succeeds, and the exit status reports the version.
    (cd / && GOTOOLCHAIN=local go mod download "$karpenter" 2>/dev/null) || true
    mkdir "$build/source"
    cp "$here"/karpenter-cel/{go.mod,go.sum,main.go} "$build/source"
    install -D -m 644 "$modules/$karpenter/$file" "$build/source/${file#pkg/}"
    sha256sum --check --quiet <<<"$karpenter_cel_sha256  $build/source/${file#pkg/}"
    (cd "$build/source" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" .)
    [[ $("$build/out" <<<'[{"MaxPods": 29}] {"Expression": "max(max_pods - 9, 2)"}') == "[20]" ]]
}

# Copies the CustomResourceDefinitions from Karpenter's Go module.
build_karpenter_crds() {
    local modules
    go_for karpenter-cel "download it from go.dev if your distribution does not have it"
    modules=$(cd / && GOTOOLCHAIN=local go env GOMODCACHE)
    # With an older Go, the download succeeds, and the exit status reports the version.
    (cd / && GOTOOLCHAIN=local go mod download "$karpenter" 2>/dev/null) || true
    mkdir "$build/out"
    install -m 644 "$modules/$karpenter"/pkg/apis/crds/karpenter.{k8s.aws_ec2nodeclasses,sh_nodepools}.yaml "$build/out"
    cat "$build"/out/*.yaml | sha256sum --check --quiet <(printf '%s  -\n' "$karpenter_crds_sha256")
}

# Builds the program that prints the tables of the VPC CNI.
build_cni_limits() {
    go_for ipamd "download it from go.dev if your distribution does not have it"
    build_ipamd_programs "$build/out" ./limits
    # grep reads to the end: with -q, it would end the program by SIGPIPE.
    "$build/out" | grep '^m5.large,3,10,nitro,' >/dev/null
}

# Builds the program that lints metrics, with the package promlint of Prometheus, which promtool also uses.
build_promlint() {
    go_for promlint "download it from go.dev if your distribution does not have it"
    (cd "$here/promlint" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" .)
    "$build/out" <<<$'# HELP a_info B.\n# TYPE a_info gauge\na_info 1'
}

# Builds ipamd from its Go module, unpatched. Copies the CRDs, the ClusterRole and the default environment
# variables of aws-node, because the module cache may be readable by its owner only.
build_ipamd() {
    local cni controller
    go_for ipamd "download it from go.dev if your distribution does not have it"
    mkdir "$build/out"
    build_ipamd_programs "$build/out/" ./add-pods github.com/aws/amazon-vpc-cni-k8s/cmd/aws-k8s-agent
    cni=$(module_directory github.com/aws/amazon-vpc-cni-k8s)
    controller=$(module_directory github.com/aws/amazon-vpc-resource-controller-k8s)
    install -m 644 "$cni"/charts/aws-vpc-cni/{values.yaml,crds/customresourcedefinition.yaml,templates/clusterrole.yaml} \
        "$controller/config/crd/bases/vpcresources.k8s.aws_cninodes.yaml" "$build/out"
}

# build_ipamd_programs OUTPUT PACKAGE…: builds programs with the pins of ipamd.
build_ipamd_programs() {
    local output=$1
    shift
    (cd "$here/ipamd" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$output" "$@")
}

# module_directory MODULE: prints the directory of a module that ipamd is built from.
module_directory() {
    (cd "$here/ipamd" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go list -m -f '{{.Dir}}' "$1")
}

# Builds nfpm, the package builder, from its Go module. Do not use nfpm 2.46 or later: it depends on
# go.digitalxero.dev/go-msix, a Windows-only module that some Go module mirrors do not have.
build_nfpm() {
    go_for nfpm "download it from go.dev if your distribution does not have it"
    (cd "$here/nfpm" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/goreleaser/nfpm/v2/cmd/nfpm)
    "$build/out" --version >/dev/null
}

# Downloads Debian's Rust with the standard library for arm64.
build_arm64() {
    "$here/../../packaging/cross/debian-rust.sh" "$build/out"
}

# Builds regctl, which creates the container image, from its Go module.
build_regctl() {
    go_for regctl "download it from go.dev if your distribution does not have it"
    (cd "$here/regctl" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/regclient/regclient/cmd/regctl)
    "$build/out" version >/dev/null
}

# Builds toxiproxy from its Go module.
build_toxiproxy() {
    go_for toxiproxy "download it from go.dev if your distribution does not have it"
    (cd "$here/toxiproxy" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/Shopify/toxiproxy/v2/cmd/server)
    "$build/out" -version >/dev/null
}

# Builds Helm from its Go module.
build_helm() {
    go_for helm "download it from go.dev if your distribution does not have it"
    (cd "$here/helm" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" helm.sh/helm/v4/cmd/helm)
    "$build/out" version >/dev/null
}

# Builds actionlint from its Go module.
build_actionlint() {
    go_for actionlint "download it from go.dev if your distribution does not have it"
    (cd "$here/actionlint" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -buildvcs=false \
        -trimpath -ldflags '-s -w' -o "$build/out" github.com/rhysd/actionlint/cmd/actionlint)
    "$build/out" -version >/dev/null
}

# cargo_install NAME VERSION: builds a tool from its crate, with the versions and checksums in the crate's
# Cargo.lock. The build is not optimized, because the tool runs for less time than an optimized build takes.
cargo_install() {
    env -u RUSTC -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WORKSPACE_WRAPPER \
        CARGO_TARGET_DIR="$build/target" CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 \
        CARGO_PROFILE_DEV_STRIP=true \
        cargo install --quiet --debug --locked --no-track --root "$build" --version "=$2" "$1" "${@:3}" >&2
    mv "$build/bin/$1" "$build/out"
}

build_cargo_auditable() { cargo_install cargo-auditable "$cargo_auditable"; }

build_cargo_cyclonedx() {
    cargo_install cargo-cyclonedx "$cargo_cyclonedx"
    "$build/out" cyclonedx --version >/dev/null
}

build_cargo_deny() {
    cargo_install cargo-deny "$cargo_deny" --no-default-features
    "$build/out" --version >/dev/null
}

# Without the features that serve and watch the book. The search index needs the feature search.
build_mdbook() {
    cargo_install mdbook "$mdbook" --no-default-features --features search
    "$build/out" --version >/dev/null
}

# Builds eksnode from its git repository, because it is not on crates.io. EKSNODE_REPOSITORY is the URL or the
# directory of a copy of the repository. The complete aws-sdk-ec2 makes this build take over 10 minutes and 9 GiB of
# memory. The static binary runs in any root, like the stub of the programs that eksnode runs.
build_eksnode() {
    local target
    "$need" git=git protoc=protobuf-compiler cc=gcc,libc6-dev
    target=$(rustc -vV | sed -n 's/^host: //p')
    git clone --quiet "${EKSNODE_REPOSITORY:-https://github.com/clowdhaus/eksnode}" "$build/source"
    git -C "$build/source" checkout --quiet "$eksnode"
    (cd "$build/source" && env -u RUSTC -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WORKSPACE_WRAPPER \
        RUSTFLAGS='-C target-feature=+crt-static' CARGO_TARGET_DIR="$build/target" \
        cargo build --quiet --release --locked --package eksnode --target "$target" >&2)
    mkdir "$build/out"
    mv "$build/target/$target/release/eksnode" "$build/out"
    cc -x c -static -O2 -o "$build/out/stub" - <<<'#include <stdio.h>
        int main(void) { return puts("Kubernetes v1.34.2-eks-ecaa3a6") < 0; }'
    "$build/out/eksnode" --version >/dev/null
}

# debian_root NAME SUITE PACKAGES: creates a small Debian root directory with PACKAGES.
debian_root() {
    local name=$1 suite=$2 packages=$3 mirror
    if [[ $EUID -ne 0 ]]; then
        log "$name: needs root (for mmdebstrap and chroot); run \`$0 $name\` as root"
        return 1
    fi
    "$need" mmdebstrap=mmdebstrap
    [[ -e /usr/share/keyrings/debian-archive-$suite-stable.gpg ]] ||
        "$need" "no-command=debian-archive-keyring"
    mirror=$(debian_mirror)
    if [[ -z $mirror ]]; then
        log "$name: no Debian mirror in the apt sources of this machine; set DEBIAN_MIRROR to the URL of a mirror"
        return 1
    fi
    # Use the apt settings of the machine that are needed to reach the mirror, such as proxies.
    apt-config dump | grep -E '^Acquire::(https?::(Proxy|CaInfo)|Check-(Date|Valid-Until)) ' \
        >"$build/apt.conf" || true
    umask 022
    chmod 755 "$build" # apt reads the new root as another user
    mmdebstrap --quiet --variant=minbase --aptopt="$build/apt.conf" --include="$packages" \
        "$suite" "$build/out" "$mirror" </dev/null >&2
}

# Creates a root directory with a newer glibc than most build machines. Its nsswitch.conf lists resolve and
# myhostname. A static glibc program that calls getaddrinfo crashes in it.
build_root() {
    debian_root root "$root_suite" libnss-resolve,libnss-myhostname
    sed -i 's/^hosts:.*/hosts: files resolve [!UNAVAIL=return] myhostname dns/' "$build/out/etc/nsswitch.conf"
    grep -q '^hosts: files resolve ' "$build/out/etc/nsswitch.conf"
    # Create empty regular files, so that tests can mount files over them. The packages create only a link
    # from resolv.conf to a service that does not run here, and no hosts file.
    rm -f "$build/out/etc/resolv.conf" "$build/out/etc/hosts"
    touch "$build/out/etc/resolv.conf" "$build/out/etc/hosts"
    chroot "$build/out" getent --version >/dev/null
}

# Creates a root directory for boots, from the Debian suite with the systemd version of Amazon Linux 2023
# (252). It contains curl for the user data, rpm for the package tests, and containerd with runc for the
# kubelet.
build_boot() {
    debian_root boot "$boot_suite" systemd,systemd-sysv,dbus,curl,rpm,containerd,runc
    # Set a machine ID. Without it, every boot is a first boot, and systemd enables units from presets.
    echo 0123456789abcdef0123456789abcdef >"$build/out/etc/machine-id"
    echo node >"$build/out/etc/hostname"
    # Remove Debian's timers, because some of them use the network.
    rm -f "$build"/out/etc/systemd/system/timers.target.wants/*
    [[ $(chroot "$build/out" systemctl --version) == "systemd 252 "* ]]
}

# Prints the Debian mirror from the apt sources of this machine.
debian_mirror() {
    if [[ -n ${DEBIAN_MIRROR:-} ]]; then
        echo "$DEBIAN_MIRROR"
        return
    fi
    flock "$need" apt-get update -qq </dev/null >&2 # need.sh holds this lock while it runs apt-get
    # shellcheck disable=SC2016 # apt expands these variables
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
        awk 'NR == 1'
}

case ${1:-all} in
all) # run one process for each part, so that a failed part does not stop the others
    missing=()
    for name in moto awscli imds kubernetes nodeadm nodeadm-max-pods karpenter-cel karpenter-crds cni-limits promlint helm root; do
        "${BASH_SOURCE[0]}" "$name" || missing+=("$name")
    done
    if ((${#missing[@]})); then
        log "failed parts: ${missing[*]}"
        exit 1
    fi
    exit
    ;;
moto | awscli | imds | kubernetes | kubelet | nodeadm | nodeadm-max-pods | karpenter-cel | karpenter-crds | cni-limits | ipamd | root | boot | nfpm | arm64 | regctl | toxiproxy | cargo-auditable | cargo-cyclonedx | cargo-deny | cyclonedx | eksnode | helm | mdbook | promlint | actionlint) ;;
*)
    echo "usage: $0 [moto|awscli|imds|kubernetes|kubelet|nodeadm|nodeadm-max-pods|karpenter-cel|karpenter-crds|cni-limits|ipamd|root|boot|nfpm|arm64|regctl|toxiproxy|cargo-auditable|cargo-cyclonedx|cargo-deny|cyclonedx|eksnode|helm|mdbook|actionlint|promlint|all]" >&2
    exit 64
    ;;
esac

# ipamd_pin PROGRAM: prints the version of ipamd and the checksum of the sources of PROGRAM.
ipamd_pin() {
    printf '%s %s' "$(grep -o "amazon-vpc-cni-k8s v.*" "$here/ipamd/go.mod")" \
        "$(cat "$here"/ipamd/go.* "$here/ipamd/$1/main.go" | cksum)"
}

exec {lock}>"$parts/.$1.lock"
flock "$lock" # only one process may build a part
case $1 in
moto | awscli | cyclonedx) make_part "$1" "$1" "$(grep "^$1[-a-z]*=" "$here/$1/requirements.txt") $(cksum <"$here/$1/requirements.txt")" "about a minute" ;;
imds) make_part imds bin/ec2-metadata-mock "$(grep -o "metadata-mock v.*" "$here/imds/go.mod") $(cat "$here"/imds/go.* | cksum)" "about a minute" ;;
kubernetes)
    if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
        log "kubernetes: using KUBEBUILDER_ASSETS"
        exit
    fi
    make_part kubernetes kubernetes "$(kubernetes_version kubernetes) $(cat "$here"/kubernetes/go.* | cksum)" "about ten minutes"
    ;;
kubelet)
    versions=$(for module in "$here"/kubelet-*; do kubernetes_version "${module##*/}"; done)
    make_part kubelet kubelet "${versions//$'\n'/ } $(cat "$here"/kubelet-*/go.* | cksum)" "about six minutes"
    ;;
nodeadm) make_part nodeadm bin/nodeadm "$(grep -o "nodeadm v.*" "$here/nodeadm/go.mod") $(cat "$here"/nodeadm/go.* | cksum)" "about three minutes" ;;
nodeadm-max-pods) make_part nodeadm-max-pods bin/nodeadm-max-pods "$(grep -o "nodeadm v.*" "$here/nodeadm/go.mod") $(cksum <"$here/nodeadm-max-pods/main.go")" "10 seconds after nodeadm, otherwise 165 seconds of CPU time" ;;
karpenter-cel) make_part karpenter-cel bin/karpenter-cel "${karpenter##*@} $(cat "$here"/karpenter-cel/* | cksum)" "45 seconds of CPU time" ;;
promlint) make_part promlint bin/promlint "$(grep -o "client_golang v.*" "$here/promlint/go.mod") $(cat "$here"/promlint/* | cksum)" "30 seconds of CPU time" ;;
karpenter-crds) make_part karpenter-crds karpenter-crds "${karpenter##*@} $karpenter_crds_sha256" "a few seconds" ;;
cni-limits) make_part cni-limits bin/cni-limits "$(ipamd_pin limits)" "less than a minute" ;;
ipamd) make_part ipamd ipamd "$(ipamd_pin add-pods) $(declare -f build_ipamd | cksum)" "about five minutes" ;;
nfpm) make_part nfpm bin/nfpm "$(grep -o "nfpm/v2 v.*" "$here/nfpm/go.mod") $(cat "$here"/nfpm/go.* | cksum)" "less than a minute" ;;
arm64) make_part arm64 arm64 "$(grep '^rust-version' "$here/../../Cargo.toml") $(cksum <"$here/../../packaging/cross/debian-rust.sh")" "about a minute" ;;
regctl) make_part regctl bin/regctl "$(grep -o "regclient v.*" "$here/regctl/go.mod") $(cat "$here"/regctl/go.* | cksum)" "about a minute" ;;
helm) make_part helm bin/helm "$(grep -o "helm/v4 v.*" "$here/helm/go.mod") $(cat "$here"/helm/go.* | cksum)" "about five minutes" ;;
actionlint) make_part actionlint bin/actionlint "$(grep -o "actionlint v.*" "$here/actionlint/go.mod") $(cat "$here"/actionlint/go.* | cksum)" "less than a minute" ;;
toxiproxy) make_part toxiproxy bin/toxiproxy "$(grep -o "toxiproxy/v2 v.*" "$here/toxiproxy/go.mod") $(cat "$here"/toxiproxy/go.* | cksum)" "less than a minute" ;;
cargo-auditable) make_part cargo-auditable bin/cargo-auditable "$cargo_auditable" "less than a minute" ;;
cargo-cyclonedx) make_part cargo-cyclonedx bin/cargo-cyclonedx "$cargo_cyclonedx" "about a minute" ;;
cargo-deny) make_part cargo-deny bin/cargo-deny "$cargo_deny" "about two minutes" ;;
mdbook) make_part mdbook bin/mdbook "$mdbook" "about a minute of CPU time" ;;
eksnode) make_part eksnode eksnode "$eksnode $(declare -f build_eksnode | cksum)" "over ten minutes" ;;
root) make_part root "$root_suite-root" "$root_suite $(declare -f debian_root build_root | cksum)" "about two minutes" ;;
boot) make_part boot boot-root "$boot_suite $(declare -f debian_root build_boot | cksum)" "about two minutes" ;;
esac
