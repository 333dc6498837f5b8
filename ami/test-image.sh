#!/bin/sh
# Tests the build instance before the AMI is created: eni-bootstrap VERSION is installed, the kubelet of the next
# boot waits for it, and no data of the build instance is left. Run it as root. It changes nothing. It
# prints every failed check and then exits with status 1.
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

check() { # NAME EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        printf 'FAILED: %s\n  expected: %s\n  actual: %s\n' "$1" "$2" "$3" >&2
        failed=1
    fi
}
# run COMMAND...: prints the output of COMMAND, and its exit status if it is not 0.
run() { "$@" 2>&1 || echo "(exit status $?)"; }
max_pods() { run eni-bootstrap max-pods --instance-type "$@"; }

check "version of eni-bootstrap" "eni-bootstrap $version" "$(run eni-bootstrap --version)"
check "max-pods of m5.large" 29 "$(max_pods m5.large)"
check "max-pods of m5.large with custom networking" 20 "$(max_pods m5.large --cni-custom-networking-enabled)"

check "$unit is enabled" enabled "$(run systemctl is-enabled "$unit")"
check "$unit is valid" "" "$(run systemd-analyze verify --recursive-errors=no "$unit")"
for kubelet in nodeadm-run.service kubelet.service; do
    for property in Requires After; do
        actual=$(systemctl show --property="$property" --value "$kubelet" | tr ' ' '\n' | grep -Fx "$unit" || true)
        check "$kubelet has $property=$unit" "$unit" "$actual"
    done
done

# eni-bootstrap reads its settings before instance metadata. No metadata service listens on this endpoint, so the
# exit status is 69 if the settings are valid, and 78 if they are not.
status=0
output=$(eni-bootstrap plan --imds-endpoint http://127.0.0.1:9 --imds-wait 1s 2>&1) || status=$?
check "settings are valid" 69 "$status$([ "$status" -eq 69 ] || printf ': %s' "$output")"

check "$unit has not run on this instance" "" "$(run systemctl show --property=ExecMainExitTimestamp --value "$unit")"
for file in /etc/eks/nodeadm.d/90-eni-bootstrap.yaml \
    /etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf; do
    check "$file does not exist" "" "$(ls "$file" 2>/dev/null || true)"
done
check "/tmp has no files of the build" "" "$(find /tmp -maxdepth 1 -name 'eni-bootstrap*')"
exit "$failed"
