#!/bin/sh
# Tests, on the instance that becomes an image, that eni-bootstrap VERSION is installed, that the next
# boot's kubelet waits for it, and that it has left nothing of this instance. Run as root; it changes
# nothing. Every check that fails is named, and fails the build.
#
#   ami/test-image.sh VERSION
set -eu

[ $# -eq 1 ] || {
    echo "usage: test-image.sh VERSION" >&2
    exit 64
}
version=$1
unit=eni-bootstrap.service
failed=0

is() { # WHAT EXPECTED FOUND
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        printf 'FAILED: %s\n  expected: %s\n  found: %s\n' "$1" "$2" "$3" >&2
        failed=1
    fi
}
# run COMMAND...: what it says, and its status where that is not 0.
run() { "$@" 2>&1 || echo "(exit status $?)"; }
pods() { run eni-bootstrap max-pods --instance-type "$@"; }

is "the program is this version" "eni-bootstrap $version" "$(run eni-bootstrap --version)"
is "an m5.large holds 29 pods" 29 "$(pods m5.large)"
is "with custom networking 20" 20 "$(pods m5.large --cni-custom-networking-enabled)"

is "the unit is enabled" enabled "$(run systemctl is-enabled "$unit")"
is "systemd finds nothing wrong with the unit" "" "$(run systemd-analyze verify --recursive-errors=no "$unit")"
for kubelet in nodeadm-run.service kubelet.service; do
    for how in Requires After; do
        found=$(systemctl show --property="$how" --value "$kubelet" | tr ' ' '\n' | grep -Fx "$unit" || true)
        is "$kubelet has $how=$unit" "$unit" "$found"
    done
done

# It reads its settings before it asks for metadata, and here it gets none: 69. Wrong settings are 78.
status=0
said=$(eni-bootstrap plan --imds-endpoint http://127.0.0.1:9 --imds-wait 0s 2>&1) || status=$?
is "the settings can be used" 69 "$status$([ "$status" -eq 69 ] || printf ': %s' "$said")"

is "it has not run here" "" "$(run systemctl show --property=ExecMainExitTimestamp --value "$unit")"
for file in /etc/eks/nodeadm.d/90-eni-bootstrap.yaml \
    /etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf; do
    is "there is no $file" "" "$(ls "$file" 2>/dev/null || true)"
done
is "the build has left nothing in /tmp" "" "$(find /tmp -maxdepth 1 -name 'eni-bootstrap*')"
exit "$failed"
