#!/bin/bash
# Runs eni-bootstrap as at a node's boot, against a simulated EC2 instance and cluster on the loopback
# interface. The demo needs no root and no AWS account, and removes all its files. `make demo` builds the
# binaries and runs this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=${CARGO_TARGET_DIR:-target}/debug
agent=$built/eni-bootstrap
scratch=$(mktemp -d)
root=$scratch/root

# Unset variables of the calling shell that would change the demo.
for name in $(compgen -e | grep -iE '^(ENI_BOOTSTRAP_|AWS_|HTTPS?_PROXY$)' || true); do unset "$name"; done

# sandbox ARGUMENTS: starts a simulated instance and its cluster. The ENIConfig appears 3 s after the
# first request for it. The sandbox ends when its standard input is closed, so it also ends if this script
# is killed.
sandbox() {
    mkfifo "$scratch/alive"
    "$built/eni-bootstrap-sandbox" --dir "$scratch/sandbox" --instance-type c5.large --zone us-west-2a \
        --eni-config us-west-2a --eni-config-after 3 --exit-with-stdin "$@" <"$scratch/alive" &
    sandbox=$!
    exec 9>"$scratch/alive"
    until [[ -e $scratch/sandbox/ready ]]; do
        kill -0 "$sandbox" || { echo "failed to start the sandbox" >&2; exit 1; }
        sleep 0.05
    done
    # shellcheck disable=SC1091 # the sandbox writes this file
    . "$scratch/sandbox/ready"
}
end_sandbox() {
    exec 9>&-
    wait "$sandbox" || true
    rm -rf "$scratch/alive" "$scratch/sandbox"
}
clean_up() {
    end_sandbox
    rm -rf "$scratch"
}
trap clean_up EXIT
sandbox

heading() { printf '\n\033[1m%s\033[0m\n' "== $*"; }
[[ -t 1 ]] || heading() { printf '\n%s\n' "== $*"; }

heading "Create a node image: Amazon Linux 2023, where nodeadm reads /etc/eks/nodeadm.d"
install -d "$root/etc/systemd/system" "$root/etc/eks/nodeadm.d"
cat >"$root/etc/systemd/system/nodeadm-run.service" <<'UNIT'
[Service]
ExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/
UNIT
echo "instance metadata service: $IMDS_ENDPOINT (c5.large in us-west-2a)"
echo "Kubernetes API server: $API_ENDPOINT (no ENIConfig for us-west-2a yet)"

heading "First boot: eni-bootstrap run (the ENIConfig appears after 3 s)"
cp -r "$root" "$scratch/before"
status=0
run=("$agent" run --root "$root" --imds-endpoint "$IMDS_ENDPOINT" --ec2-endpoint "$EC2_ENDPOINT")
"${run[@]}" 2>&1 || status=$?
echo "exit status: $status"
((status == 0))

heading "Files that eni-bootstrap changed on the node"
(cd "$scratch" && diff -urN --exclude=lock before root) || true

heading "Second boot: eni-bootstrap run changes nothing"
before=$(find "$root/etc" -type f -printf '%p %i %T@\n' | sort)
"${run[@]}" 2>&1
after=$(find "$root/etc" -type f -printf '%p %i %T@\n' | sort)
[[ $before == "$after" ]]
echo "exit status: 0; no file changed"
end_sandbox

heading "Bottlerocket bootstrap container: eni-bootstrap run uses the settings API (rendering takes 1 s)"
container=$scratch/container
sandbox --bottlerocket "$container" --render-after 1
install -d "$container/.bottlerocket/bootstrap-containers/current"
cp -r "$container" "$scratch/before-bottlerocket" 2>/dev/null || true # cp cannot copy the socket
status=0
run=("$agent" run --root "$container" --imds-endpoint "$IMDS_ENDPOINT" --ec2-endpoint "$EC2_ENDPOINT")
"${run[@]}" 2>&1 || status=$?
echo "exit status: $status"
((status == 0))

heading "Files that Bottlerocket rendered for its kubelet"
(cd "$scratch" && diff -urN --exclude=lock --exclude=api.sock before-bottlerocket container) || true
