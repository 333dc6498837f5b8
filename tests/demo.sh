#!/bin/bash
# The main job, from "just booted" to "the kubelet may start", against a stand-in instance and
# cluster on loopback. No root, no AWS account, nothing left behind. `make demo` builds what it runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=${CARGO_TARGET_DIR:-target}/debug
agent=$built/eni-bootstrap
scratch=$(mktemp -d)
root=$scratch/root

# Whatever is asked for in this shell's own name must not steer the demo.
for name in $(compgen -e | grep -iE '^(ENI_BOOTSTRAP_|AWS_|HTTPS?_PROXY$)' || true); do unset "$name"; done

# sandbox ARGUMENTS: an instance and its cluster, where the ENIConfig comes 3 s after it is asked for.
# It ends when its standard input does: also when this script is killed.
sandbox() {
    mkfifo "$scratch/alive"
    "$built/eni-bootstrap-sandbox" --dir "$scratch/sandbox" --instance-type c5.large --zone us-west-2a \
        --eni-config us-west-2a --eni-config-after 3 --exit-with-stdin "$@" <"$scratch/alive" &
    sandbox=$!
    exec 9>"$scratch/alive"
    until [[ -e $scratch/sandbox/ready ]]; do
        kill -0 "$sandbox" || { echo "the sandbox did not start" >&2; exit 1; }
        sleep 0.05
    done
    # shellcheck disable=SC1091 # written by the sandbox
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

say() { printf '\n\033[1m%s\033[0m\n' "== $*"; }
[[ -t 1 ]] || say() { printf '\n%s\n' "== $*"; }

say "A node image: Amazon Linux 2023, whose nodeadm reads /etc/eks/nodeadm.d"
install -d "$root/etc/systemd/system" "$root/etc/eks/nodeadm.d"
cat >"$root/etc/systemd/system/nodeadm-run.service" <<'UNIT'
[Service]
ExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/
UNIT
echo "metadata service at $IMDS_ENDPOINT: a c5.large in us-west-2a"
echo "API server at $API_ENDPOINT, without an ENIConfig for the zone"

say "eni-bootstrap run: what it read, the sum, what it wrote, the wait (the ENIConfig comes after 3 s)"
cp -r "$root" "$scratch/before"
status=0
# The stand-in has no EC2 with the subnet in it.
run=("$agent" run --root "$root" --imds-endpoint "$IMDS_ENDPOINT" --eni-config-verify=false)
"${run[@]}" 2>&1 || status=$?
echo "exit status: $status"
((status == 0))

say "What it changed on the node"
(cd "$scratch" && diff -urN --exclude=lock before root) || true

say "eni-bootstrap run again, as at the next boot: nothing changes"
before=$(find "$root/etc" -type f -printf '%p %i %T@\n' | sort)
"${run[@]}" 2>&1
after=$(find "$root/etc" -type f -printf '%p %i %T@\n' | sort)
[[ $before == "$after" ]]
echo "exit status: 0; no file was touched"
end_sandbox

say "The same as a Bottlerocket bootstrap container: its settings API is told, and renders a second late"
container=$scratch/container
sandbox --bottlerocket "$container" --render-after 1
install -d "$container/.bottlerocket/bootstrap-containers/current"
cp -r "$container" "$scratch/before-bottlerocket" 2>/dev/null || true # not the socket
status=0
run=("$agent" run --root "$container" --imds-endpoint "$IMDS_ENDPOINT" --eni-config-verify=false)
"${run[@]}" 2>&1 || status=$?
echo "exit status: $status"
((status == 0))

say "What Bottlerocket has rendered for its kubelet"
(cd "$scratch" && diff -urN --exclude=lock --exclude=api.sock before-bottlerocket container) || true
