#!/bin/sh
# After a package's files have come: the deb's postinst and the rpm's %post.
#
# Nothing is enabled. Nothing is started or restarted, after an upgrade neither: the kubelet requires the
# unit, and a restart would restart the kubelet. The unit has done its work for this boot; the next boot
# runs the new program.
set -eu

# The deb says configure and the version before, if any; the rpm how many of the package there are.
first=
case ${1:-} in
configure) [ -n "${2:-}" ] || first=yes ;;
1) first=yes ;;
2 | abort-upgrade | abort-remove | abort-deconfigure) ;;
*) exit 0 ;;
esac

# The calculator's name on EKS's images, only where it is free. Not a file of the package, which would
# take the place of another's, and which the rpm would remove whosever it is by then.
calculator=/usr/bin/max-pods-calculator.sh
if [ ! -e "$calculator" ] && [ ! -L "$calculator" ]; then
    ln -s eni-bootstrap "$calculator"
fi

if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi

if [ -n "$first" ]; then
    for link in /etc/systemd/system/*.requires/eni-bootstrap.service; do
        [ -L "$link" ] && exit 0 # ami/install.sh --enable was here
    done
    echo "not enabled: \`systemctl enable eni-bootstrap\` lets the next boot's kubelet wait for it"
fi
