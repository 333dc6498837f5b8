#!/bin/sh
# boot.sh ROOT FOLDER  Boots what FOLDER/disk has over ROOT, in a mount namespace that is this
# script's own. nspawn tells $NOTIFY_SOCKET which process is its systemd. The end of stdin kills the
# machine: the kernel closes the other end of that pipe even if a test process is killed.
set -eu
root=$1 folder=$2
exec 3<&0 </dev/null

# A control group for this machine alone, in the one hierarchy (v2) or in systemd's two (v1). Else
# two machines at a time share one for each unit, and kill each other's processes.
group=$(basename "$folder")
groups=
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ -e "$tree/cgroup.procs" ] || continue
    mkdir "$tree/$group"
    echo $$ >"$tree/$group/cgroup.procs"
    groups="$groups $tree/$group"
done

# nspawn leaves a folder in /run/systemd/nspawn where that is on a disk: it gets one in memory.
mkdir -p "$folder/work" "$folder/root" /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t overlay -o "lowerdir=$root,upperdir=$folder/disk,workdir=$folder/work" overlay "$folder/root"

systemd-nspawn --quiet --directory="$folder/root" --register=no --keep-unit --boot 3<&- &
nspawn=$!
{
    read -r _ <&3 || true
    # The machine would outlive its nspawn, whose one child it is.
    read -r machine <"/proc/$nspawn/task/$nspawn/children" || true
    kill -9 "$machine" "$nspawn"
} &
leash=$!
status=0
wait "$nspawn" || status=$?
kill "$leash" 2>/dev/null || true

for group in $groups; do
    echo $$ >"$(dirname "$group")/cgroup.procs"
    # The last process may be on its way out still.
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
        sleep 0.01
    done
done
exit "$status"
