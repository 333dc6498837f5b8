#!/bin/sh
# Runs after the files of the package are removed: postrm of the deb, %postun of the rpm.
set -eu

# dpkg passes "remove", and later "purge" if the user purges the package. rpm passes the number of
# remaining versions of this package.
case ${1:-} in
remove | 0)
    # Remove the lock file of `eni-bootstrap undo`. Keep the settings in /run/eni-bootstrap: they belong
    # to the user.
    rm -f /run/eni-bootstrap/lock
    rmdir /run/eni-bootstrap 2>/dev/null || true
    # `eni-bootstrap undo` has removed the drop-in of the kubelet.
    rmdir /var/lib/eni-bootstrap/kubelet.conf.d /var/lib/eni-bootstrap 2>/dev/null || true
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
    fi
    ;;
purge)
    # Remove the directory only if it is empty: the settings belong to the user, not to the package.
    rmdir /etc/eni-bootstrap 2>/dev/null || true
    ;;
esac
