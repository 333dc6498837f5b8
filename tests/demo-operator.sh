#!/bin/bash
# Runs each command of kubectl-eni against a simulated cluster with 3 zones and 40 nodes on the loopback interface. Six
# nodes are wrong, each in another way, and one pod subnet is full. The demo needs no root, no AWS account and no
# kubectl, and removes all its files. `make demo-operator` builds the binaries and runs this script.
#
# KUBECTL_ENI is another binary. READY is the file with the variables of a sandbox that already runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
plugin=${KUBECTL_ENI:-$built/kubectl-eni}
ready=${READY:-}
scratch=$(mktemp -d)

# Unset variables of the calling shell that would change the demo.
for name in $(compgen -e | grep -iE '^(ENI_BOOTSTRAP_|AWS_|HTTPS?_PROXY$|KUBE)' || true); do unset "$name"; done
# The simulated APIs accept every credential.
export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_EC2_METADATA_DISABLED=true HOME=$scratch

clean_up() {
    if [[ -v sandbox ]]; then
        exec 9>&-
        wait "$sandbox" || true
    fi
    rm -rf "$scratch"
}
trap clean_up EXIT
if [[ -z $ready ]]; then
    mkfifo "$scratch/alive"
    "$built/eni-bootstrap-operator-sandbox" --dir "$scratch/sandbox" --exit-with-stdin <"$scratch/alive" &
    sandbox=$!
    exec 9>"$scratch/alive"
    ready=$scratch/sandbox/ready
    until [[ -e $ready ]]; do
        kill -0 "$sandbox" || { echo "failed to start the sandbox" >&2; exit 1; }
        sleep 0.05
    done
fi
# shellcheck disable=SC1090 # the sandbox writes this file
. "$ready"

# demo STATUS TITLE COMMAND...: runs `kubectl eni COMMAND...`, which must end with this exit status.
demo() {
    local expected=$1 title=$2 status=0
    shift 2
    printf '\n== %s\n$ kubectl eni %s\n' "$title" "$*"
    "$plugin" "$@" 2>&1 || status=$?
    echo "exit status: $status"
    ((status == expected))
}

demo 1 "Check the ENIConfigs of all zones and the IAM role of aws-node" check
demo 1 "Compare each node with what eni-bootstrap computes for it" nodes
demo 1 "Show how many more nodes fit into the subnets of the pods" capacity
demo 1 "Show whether 3 more nodes in each zone fit" capacity --instance-type m5.large --nodes 9
demo 1 "Print the ENIConfigs for the subnets of the pods: one subnet is full" configs --cidr 100.64.0.0/10
demo 2 "Print the ENIConfigs of two zones, as values for the Helm chart of the VPC CNI" configs \
    --subnet-ids subnet-0a10123456789abcd,subnet-0b10123456789abcd --output helm-values
demo 0 "Print what Karpenter and nodeadm need" expressions
demo 0 "Compute max-pods with the CNI configuration of the cluster" max-pods m5.large c5.xlarge t3.medium \
    --cni-from-cluster
demo 0 "Show the limits of instance types" limits show 'm7g.*'
