#!/bin/sh
# Installs eni-bootstrap on the image that this runs on, or below DESTDIR. Safe to run twice. Nothing
# is started, and no running unit is touched.
#
#   ami/install.sh [--enable] BINARY
#
# --enable also enables the unit: the next boot's kubelet waits for it.
set -eu

fail() {
    echo "install.sh: $1" >&2
    exit "${2:-1}"
}

usage="usage: install.sh [--enable] BINARY"
enable=
binary=
for argument in "$@"; do
    case $argument in
    --enable) enable=yes ;;
    -*) fail "there is no option $argument; $usage" 64 ;;
    *)
        [ -z "$binary" ] || fail "$usage" 64
        binary=$argument
        ;;
    esac
done
[ -n "$binary" ] || fail "$usage" 64

here=$(cd "$(dirname "$0")/.." && pwd)
root=${DESTDIR:-}
unit=$here/systemd/eni-bootstrap.service
defaults=$here/packaging/50-defaults.toml
rbac=$here/packaging/rbac.yaml
policy=$here/packaging/iam-policy.json

# Everything is looked at before anything is written.
[ -f "$binary" ] || fail "there is no $binary; build it with \`make static\`"
[ -x "$binary" ] || fail "$binary is not executable"
for file in "$unit" "$defaults" "$rbac" "$policy"; do
    [ -f "$file" ] || fail "there is no $file; run install.sh where it stands in the repository"
done
if [ -z "$root" ]; then
    [ "$(id -u)" -eq 0 ] || fail "only root can install it; or set DESTDIR"
    # Below DESTDIR it may be another architecture's.
    version=$("$(realpath "$binary")" --version) ||
        fail "$binary does not run on this machine: is it of its architecture?"
    case $version in
    "eni-bootstrap "*) ;;
    *) fail "$binary is not eni-bootstrap" ;;
    esac
fi
if [ -n "$enable" ] && ! command -v systemctl >/dev/null; then
    fail "there is no systemctl to enable the unit with; leave --enable out"
fi

put() { # MODE SOURCE PLACE
    install -D -m "$1" "$2" "$root$3"
    echo "installed $root$3"
}
put 0755 "$binary" /usr/bin/eni-bootstrap
put 0644 "$unit" /usr/lib/systemd/system/eni-bootstrap.service
put 0644 "$defaults" /usr/lib/eni-bootstrap/50-defaults.toml
put 0644 "$rbac" /usr/share/eni-bootstrap/rbac.yaml
put 0644 "$policy" /usr/share/eni-bootstrap/iam-policy.json
# For the settings of whoever bakes the image.
install -d -m 0755 "$root/etc/eni-bootstrap"

if [ -n "$enable" ]; then
    systemctl ${root:+--root="$root"} enable eni-bootstrap.service
    echo "enabled: the next boot's kubelet waits for eni-bootstrap"
else
    echo "not enabled: \`systemctl enable eni-bootstrap\` lets the next boot's kubelet wait for it"
fi
