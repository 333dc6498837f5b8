#!/bin/sh
# Takes away what is the build instance's own, as the last step of an image's build: its identity, host
# keys, logs, and that cloud-init has run. EC2 Image Builder does the same by itself.
set -eu

# Empty, not gone: without the file the first boot would count as a first boot to systemd, too.
truncate --size=0 /etc/machine-id
rm -f /etc/ssh/ssh_host_*
rm -rf /var/lib/cloud/data /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem
rm -f /var/log/cloud-init.log /var/log/cloud-init-output.log
rm -rf /var/log/journal/*
rm -f /root/.bash_history /home/*/.bash_history
