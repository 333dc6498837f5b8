#!/bin/sh
# Installs eni-bootstrap on the image that this runs on, or below DESTDIR. Safe to run twice.
#
#   ami/install.sh [--enable] BINARY
#
# --enable also enables the unit: the next boot's kubelet waits for it.
set -eu

fail() {
    echo "install.sh: $1" >&2
    exit "${2:-1}"
}

enable=
if [ "${1:-}" = --enable ]; then
    enable=yes
    shift
fi
[ $# -eq 1 ] || fail "usage: $0 [--enable] BINARY" 64
binary=$1
here=$(cd "$(dirname "$0")/.." && pwd)
root=${DESTDIR:-}

[ -f "$binary" ] || fail "there is no $binary; build it with \`make static\`"
"$binary" --version >/dev/null || fail "$binary does not run on this machine: is it of its architecture?"
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    fail "only root can install it; or set DESTDIR"
fi

install -D -m 0755 "$binary" "$root/usr/bin/eni-bootstrap"
install -D -m 0644 "$here/systemd/eni-bootstrap.service" "$root/usr/lib/systemd/system/eni-bootstrap.service"
install -D -m 0644 "$here/packaging/50-defaults.toml" "$root/usr/lib/eni-bootstrap/50-defaults.toml"
install -D -m 0644 "$here/packaging/rbac.yaml" "$root/usr/share/eni-bootstrap/rbac.yaml"
install -d -m 0755 "$root/etc/eni-bootstrap"

if [ -n "$enable" ]; then
    command -v systemctl >/dev/null || fail "there is no systemctl to enable the unit with"
    systemctl ${root:+--root="$root"} enable eni-bootstrap.service
fi
echo "installed: $("$binary" --version)"
