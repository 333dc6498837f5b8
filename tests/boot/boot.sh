#!/bin/sh
# Usage: boot.sh ROOT FOLDER
#
# Boots an overlay of FOLDER/disk over ROOT with systemd-nspawn. Run this script in its own mount
# namespace. systemd-nspawn sends the PID of its systemd to $NOTIFY_SOCKET.
#
# The script kills the machine when its stdin is closed. stdin is a pipe from the test process. The kernel
# closes the pipe even if the test process is killed.
set -eu
root=$1 folder=$2
exec 3<&0 </dev/null

# Create a separate control group for this machine: in the unified hierarchy (v2), or in the two
# hierarchies of systemd (v1). Otherwise, two machines that run at the same time would share the control
# groups of their units and kill each other's processes.
group=$(basename "$folder")
groups=
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ -e "$tree/cgroup.procs" ] || continue
    mkdir "$tree/$group"
    echo $$ >"$tree/$group/cgroup.procs"
    groups="$groups $tree/$group"
done

# systemd-nspawn leaves files in /run/systemd/nspawn. Mount a tmpfs there, so that they disappear.
mkdir -p "$folder/work" "$folder/root" /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t overlay -o "lowerdir=$root,upperdir=$folder/disk,workdir=$folder/work" overlay "$folder/root"

systemd-nspawn --quiet --directory="$folder/root" --register=no --keep-unit --boot 3<&- &
nspawn=$!
{
    read -r _ <&3 || true
    # Also kill the machine, the only child of systemd-nspawn. Otherwise it would continue to run.
    read -r machine <"/proc/$nspawn/task/$nspawn/children" || true
    kill -9 "$machine" "$nspawn"
} &
leash=$!
status=0
wait "$nspawn" || status=$?
kill "$leash" 2>/dev/null || true

for group in $groups; do
    echo $$ >"$(dirname "$group")/cgroup.procs"
    # Retry, because the last process may still be exiting.
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
        sleep 0.01
    done
done
exit "$status"
