#!/bin/sh
# Before a package's files come: the deb's preinst and the rpm's %pre. Both package managers write over
# a file that no package owns without a word; this refuses over one that is not ours. What
# ami/install.sh put there is ours, and is taken over.
set -eu

refuse() { # WHY WHAT-TO-DO
    printf 'error: eni-bootstrap was not installed\n  because: %s\n  help: %s\n' "$1" "$2" >&2
    exit 1
}

# The deb says install, the rpm how many of the package there will be. Before an upgrade, what stands
# there is the package's own.
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
        refuse "$binary is there already and is another program: \`$binary --version\` does not say eni-bootstrap" \
            "move it to another name or remove it, and install the package again"
        ;;
    esac
fi

# A unit of that name in /etc would run instead of ours. One that is masked is no file.
for folder in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    unit=$folder/eni-bootstrap.service
    [ -f "$unit" ] || continue
    grep -q '^ExecStart=-\{0,1\}/usr/bin/eni-bootstrap run' "$unit" ||
        refuse "$unit is there already and is another unit: it does not run \`/usr/bin/eni-bootstrap run\`" \
            "disable it, move it to another name or remove it, and install the package again"
done
