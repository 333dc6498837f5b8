#!/bin/sh
# Runs before the files of the package are installed: preinst of the deb, %pre of the rpm.
#
# dpkg and rpm silently overwrite files that no package owns. This script fails if such a file is not a
# file of eni-bootstrap. The package may overwrite files from ami/install.sh.
set -eu

fail() { # CAUSE HELP
    printf 'error: failed to install eni-bootstrap\n  caused by: %s\n  help: %s\n' "$1" "$2" >&2
    exit 1
}

# dpkg passes "install". rpm passes the number of versions that will be installed. On an upgrade, the
# existing files belong to the package.
case ${1:-} in
install | 1) ;;
*) exit 0 ;;
esac

binary=/usr/bin/eni-bootstrap
if [ -e "$binary" ] || [ -L "$binary" ]; then
    version=$(timeout 10 "$binary" --version </dev/null 2>/dev/null) || version=
    case $version in
    "eni-bootstrap "*) ;;
    *)
        fail "$binary is another program: \`$binary --version\` does not print \"eni-bootstrap\"" \
            "rename or remove $binary, then install the package again"
        ;;
    esac
fi

# A unit with this name in /etc would replace the unit of the package. A masked unit is a link to
# /dev/null, not a regular file, and is allowed.
for folder in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    unit=$folder/eni-bootstrap.service
    [ -f "$unit" ] || continue
    grep -q '^ExecStart=-\{0,1\}/usr/bin/eni-bootstrap run' "$unit" ||
        fail "$unit is another unit: it does not run \`/usr/bin/eni-bootstrap run\`" \
            "run \`systemctl disable eni-bootstrap\`, rename or remove $unit, then install the package again"
done
