#!/bin/sh
# Installs eni-bootstrap.rpm and 90-site.toml from DIRECTORY, enables the unit, and deletes DIRECTORY.
# It does not start the unit: eni-bootstrap first runs when a node boots from the AMI.
#
#   ami/install-package.sh DIRECTORY
set -eu

[ $# -eq 1 ] || {
    echo "usage: install-package.sh DIRECTORY" >&2
    exit 64
}
# The package has no dependencies outside the AMI, so dnf needs no repository.
dnf install --assumeyes --disablerepo='*' "$1/eni-bootstrap.rpm"
install -D -m 0644 -o root -g root "$1/90-site.toml" /etc/eni-bootstrap/90-site.toml
systemctl enable eni-bootstrap.service
rm -rf "$1"
