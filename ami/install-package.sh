#!/bin/sh
# Installs what an image's build has uploaded to FOLDER (eni-bootstrap.rpm and 90-site.toml), enables
# the unit, and removes FOLDER. Nothing is started: the next boot is that of a node.
#
#   ami/install-package.sh FOLDER
set -eu

[ $# -eq 1 ] || {
    echo "usage: install-package.sh FOLDER" >&2
    exit 64
}
# It depends on nothing that the image has not: no repository has to be reachable.
dnf install --assumeyes --disablerepo='*' "$1/eni-bootstrap.rpm"
install -D -m 0644 -o root -g root "$1/90-site.toml" /etc/eni-bootstrap/90-site.toml
systemctl enable eni-bootstrap.service
rm -rf "$1"
