#!/bin/sh
# Installs eni-bootstrap on this instance, or in the directory DESTDIR. It starts no units. You can
# safely run it more than once.
#
#   ami/install.sh [--enable] BINARY
#
# --enable enables the unit: from the next boot, the kubelet starts only after eni-bootstrap succeeds.
set -eu

fail() { # MESSAGE [STATUS]
    echo "install.sh: $1" >&2
    exit "${2:-1}"
}

usage="usage: install.sh [--enable] BINARY"
enable=
binary=
for argument in "$@"; do
    case $argument in
    --enable) enable=yes ;;
    -*) fail "unknown option \"$argument\"; $usage" 64 ;;
    *)
        [ -z "$binary" ] || fail "$usage" 64
        binary=$argument
        ;;
    esac
done
[ -n "$binary" ] || fail "$usage" 64

repository=$(cd "$(dirname "$0")/.." && pwd)
root=${DESTDIR:-}
unit=$repository/systemd/eni-bootstrap.service
retry=$repository/systemd/eni-bootstrap-retry.service
defaults=$repository/packaging/50-defaults.toml
rbac=$repository/packaging/rbac.yaml
policy=$repository/packaging/iam-policy.json
schema=$repository/packaging/settings.schema.json

# Check everything before the first file is written.
[ -f "$binary" ] || fail "\"$binary\" not found; run \`make static\` to build it"
[ -x "$binary" ] || fail "\"$binary\" is not executable; run \`chmod +x $binary\`"
for file in "$unit" "$retry" "$defaults" "$rbac" "$policy" "$schema"; do
    [ -f "$file" ] || fail "\"$file\" not found; run install.sh from a complete copy of the repository"
done
if [ -z "$root" ]; then
    [ "$(id -u)" -eq 0 ] || fail "permission denied; run install.sh as root, or set DESTDIR"
    # With DESTDIR, the binary may be for another architecture and is not run.
    version=$("$(realpath "$binary")" --version) ||
        fail "failed to run \"$binary\"; use the binary for $(uname -m)"
    case $version in
    "eni-bootstrap "*) ;;
    *) fail "\"$binary\" is not eni-bootstrap: \`--version\` printed \"$version\"" ;;
    esac
fi
if [ -n "$enable" ] && ! command -v systemctl >/dev/null; then
    fail "systemctl not found; install systemd, or omit --enable"
fi

put() { # MODE SOURCE TARGET
    install -D -m "$1" "$2" "$root$3"
    echo "installed $root$3"
}
put 0755 "$binary" /usr/bin/eni-bootstrap
put 0644 "$unit" /usr/lib/systemd/system/eni-bootstrap.service
put 0644 "$retry" /usr/lib/systemd/system/eni-bootstrap-retry.service
put 0644 "$defaults" /usr/lib/eni-bootstrap/50-defaults.toml
put 0644 "$rbac" /usr/share/eni-bootstrap/rbac.yaml
put 0644 "$policy" /usr/share/eni-bootstrap/iam-policy.json
put 0644 "$schema" /usr/share/eni-bootstrap/settings.schema.json
# Site settings go into this directory.
install -d -m 0755 "$root/etc/eni-bootstrap"
# The record of the last successful run. systemd creates this directory, except on Amazon Linux 2.
install -d -m 0755 "$root/var/lib/eni-bootstrap"

if [ -n "$enable" ]; then
    systemctl ${root:+--root="$root"} enable eni-bootstrap.service
    echo "enabled; eni-bootstrap runs before the kubelet from the next boot"
else
    echo "not enabled; run \`systemctl enable eni-bootstrap\` to run it before the kubelet from the next boot"
fi
