#!/bin/bash
# Runs each command of kubectl-eni against a simulated cluster with 3 zones and 40 nodes on the loopback interface. Six
# nodes are wrong, each in another way, and one pod subnet is full. The demo needs no root, no AWS account and no
# kubectl, and removes all its files. `make demo-operator` builds the binaries and runs this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=$(realpath "${CARGO_TARGET_DIR:-target}/debug")
scratch=$(mktemp -d)

# Unset variables of the calling shell that would change the demo.
for name in $(compgen -e | grep -iE '^(ENI_BOOTSTRAP_|AWS_|HTTPS?_PROXY$|KUBE)' || true); do unset "$name"; done
# The simulated APIs accept every credential.
export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_EC2_METADATA_DISABLED=true HOME=$scratch

mkfifo "$scratch/alive"
"$built/eni-bootstrap-operator-sandbox" --dir "$scratch/sandbox" --exit-with-stdin <"$scratch/alive" &
sandbox=$!
exec 9>"$scratch/alive"
clean_up() {
    exec 9>&-
    wait "$sandbox" || true
    rm -rf "$scratch"
}
trap clean_up EXIT
until [[ -e $scratch/sandbox/ready ]]; do
    kill -0 "$sandbox" || { echo "failed to start the sandbox" >&2; exit 1; }
    sleep 0.05
done
# shellcheck disable=SC1091 # the sandbox writes this file
. "$scratch/sandbox/ready"

# demo STATUS TITLE COMMAND...: runs `kubectl eni COMMAND...`, which must end with this exit status.
demo() {
    local expected=$1 title=$2 status=0
    shift 2
    printf '\n== %s\n$ kubectl eni %s\n' "$title" "$*"
    "$built/kubectl-eni" "$@" 2>&1 || status=$?
    echo "exit status: $status"
    ((status == expected))
}

demo 1 "Check the ENIConfigs of all zones and the IAM role of aws-node" check
demo 1 "Compare each node with what eni-bootstrap computes for it" nodes
