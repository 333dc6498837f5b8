#!/bin/sh
# Runs after the files of the package are installed: postinst of the deb, %post of the rpm.
#
# This script does not enable, start or restart the unit, not even on an upgrade. The kubelet requires
# the unit, so restarting the unit also restarts the kubelet. The new version runs at the next boot.
set -eu

# dpkg passes "configure" and the previously configured version, if any. rpm passes the number of
# installed versions of this package.
first=
case ${1:-} in
configure) [ -n "${2:-}" ] || first=yes ;;
1) first=yes ;;
2 | abort-upgrade | abort-remove | abort-deconfigure) ;;
*) exit 0 ;;
esac

# Create a link with the name of the EKS script, but only if no file has this name. The link is not part
# of the package: dpkg would overwrite an existing file, and rpm would later remove a file that is not
# ours.
calculator=/usr/bin/max-pods-calculator.sh
if [ ! -e "$calculator" ] && [ ! -L "$calculator" ]; then
    ln -s eni-bootstrap "$calculator"
fi

if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi

if [ -n "$first" ]; then
    for link in /etc/systemd/system/*.requires/eni-bootstrap.service; do
        [ -L "$link" ] && exit 0 # `ami/install.sh --enable` has already enabled the unit
    done
    echo "not enabled: run \`systemctl enable eni-bootstrap\` to run eni-bootstrap before the kubelet at every boot"
fi
