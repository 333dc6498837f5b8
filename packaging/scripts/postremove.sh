#!/bin/sh
# After a package's files have gone: the deb's postrm and the rpm's %postun.
set -eu

# The deb says remove, and later perhaps purge; the rpm how many of the package are left.
case ${1:-} in
remove | 0)
    # The lock that `undo` took. Settings for this boot are their writer's.
    rm -f /run/eni-bootstrap/lock
    rmdir /run/eni-bootstrap 2>/dev/null || true
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
    fi
    ;;
purge)
    # Settings are their writer's as well; none is the package's.
    rmdir /etc/eni-bootstrap 2>/dev/null || true
    ;;
esac
