#!/bin/sh
# Before a package's files go: the deb's prerm and the rpm's %preun. Afterwards the node boots as its
# image does. All of it works in a chroot without a running systemd, too.
set -eu

refuse() { # WHY WHAT-TO-DO
    printf 'error: eni-bootstrap was not removed\n  because: %s\n  help: %s\n' "$1" "$2" >&2
    exit 1
}

# The deb says remove, the rpm how many of the package will be left. An upgrade is no removal.
case ${1:-} in
remove | 0) ;;
*) exit 0 ;;
esac

# First of all, because it can fail, and then nothing has changed yet. What is left of us would stay in
# force for ever: another boot's figure. So the removal fails with it, while the program is still there
# to try again. Nobody's ENI_BOOTSTRAP_ variables may send it to another root.
binary=/usr/bin/eni-bootstrap
by_hand="/etc/eks/nodeadm.d/90-eni-bootstrap.yaml, /etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf, the marked block in /etc/default/kubelet or /etc/sysconfig/kubelet, and the kubelet's arguments in its snap"
if [ ! -e "$binary" ]; then
    echo "warning: $binary is gone, so \`eni-bootstrap undo\` was not run; if it has written to this node, remove by hand $by_hand" >&2
elif ! env -i PATH="$PATH" "$binary" undo; then
    refuse "\`eni-bootstrap undo\`, which takes away what it wrote on this node, failed; it says why above" \
        "do what it says, and remove the package again; or remove by hand $by_hand, then delete $binary, and remove the package again"
fi

# What `systemctl disable` removes, where there is no systemctl, too. A kubelet that requires a unit
# which is gone does not start. The unit itself is not stopped: that would stop the kubelet.
for link in /etc/systemd/system/*.requires/eni-bootstrap.service /etc/systemd/system/*.wants/eni-bootstrap.service \
    /run/systemd/system/*.requires/eni-bootstrap.service /run/systemd/system/*.wants/eni-bootstrap.service; do
    [ -L "$link" ] || continue
    rm -f "$link" ||
        refuse "$link could not be removed, and without the unit that it names the kubelet would not start" \
            "remove it by hand, and remove the package again"
    rmdir "$(dirname "$link")" 2>/dev/null || true # where nothing else is in it
done

calculator=/usr/bin/max-pods-calculator.sh
if [ "$(readlink "$calculator" || true)" = eni-bootstrap ]; then
    rm -f "$calculator"
fi
