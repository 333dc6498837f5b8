#!/bin/sh
# Runs before the files of the package are removed: prerm of the deb, %preun of the rpm. After the
# removal, the node boots with the image's own configuration. The script also works in a chroot without
# a running systemd.
set -eu

fail() { # CAUSE HELP
    printf 'error: failed to remove eni-bootstrap\n  caused by: %s\n  help: %s\n' "$1" "$2" >&2
    exit 1
}

# dpkg passes "remove". rpm passes the number of versions that will remain. On an upgrade, there is
# nothing to do.
case ${1:-} in
remove | 0) ;;
*) exit 0 ;;
esac

# Stop the attempts to start the kubelet after a failed run. A running attempt holds the lock that `undo`
# needs. The kubelet waits for the attempt, so no running kubelet stops. systemd counts the stop as a
# failure and starts the retry unit again.
if [ -d /run/systemd/system ]; then
    systemctl stop eni-bootstrap-retry.service 2>/dev/null || true
    if [ "$(systemctl show -p ActiveState eni-bootstrap.service 2>/dev/null)" = ActiveState=activating ]; then
        systemctl stop eni-bootstrap.service 2>/dev/null || true
        systemctl stop eni-bootstrap-retry.service 2>/dev/null || true
    fi
fi

# Run `eni-bootstrap undo` before anything else changes. If it fails, the removal fails too, and the program
# still exists for another attempt. Without `undo`, the max-pods value of an old boot would stay on the
# node.
# env -i clears ENI_BOOTSTRAP_ variables, so that `undo` cannot run on another root directory.
binary=/usr/bin/eni-bootstrap
leftovers="/etc/eks/nodeadm.d/90-eni-bootstrap.yaml, /etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf, zz-eni-bootstrap.conf in the --config-dir of the kubelet, the marked block in /etc/default/kubelet or /etc/sysconfig/kubelet, and the kubelet arguments of the kubelet-eks snap"
if [ ! -e "$binary" ]; then
    echo "warning: $binary does not exist, so \`eni-bootstrap undo\` did not run; if eni-bootstrap has configured this node, remove this configuration by hand: $leftovers" >&2
elif ! env -i PATH="$PATH" "$binary" undo; then
    fail "\`eni-bootstrap undo\` failed; see the error above" \
        "fix the error above, then remove the package again; or remove this configuration by hand: $leftovers; then delete $binary and remove the package again"
fi

# Disable the unit. This also works without systemctl. A kubelet that requires a missing unit does not
# start. Do not stop the unit: that would stop the kubelet.
for link in /etc/systemd/system/*.requires/eni-bootstrap.service /etc/systemd/system/*.wants/eni-bootstrap.service \
    /run/systemd/system/*.requires/eni-bootstrap.service /run/systemd/system/*.wants/eni-bootstrap.service; do
    [ -L "$link" ] || continue
    rm -f "$link" ||
        fail "failed to remove $link: the kubelet would require a removed unit and would not start" \
            "run \`rm $link\`, then remove the package again"
    rmdir "$(dirname "$link")" 2>/dev/null || true # fails if the directory contains other links
done

calculator=/usr/bin/max-pods-calculator.sh
if [ "$(readlink "$calculator" || true)" = eni-bootstrap ]; then
    rm -f "$calculator"
fi
