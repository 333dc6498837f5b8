#!/bin/sh
# Removes the data of the build instance: the kubelet configuration and the records of eni-bootstrap, the
# machine ID, SSH host keys, logs and cloud-init state. Run it as the last step of an AMI build. EC2 Image
# Builder does this itself.
set -eu

# Normally, eni-bootstrap has not run on the build instance. If it has, a node that boots from the AMI must
# not start with the values of the build instance.
if command -v eni-bootstrap >/dev/null; then
    eni-bootstrap undo
fi
rm -rf /var/lib/eni-bootstrap/*

# Truncate the file instead of deleting it. Without the file, systemd runs its first-boot setup.
truncate --size=0 /etc/machine-id
rm -f /etc/ssh/ssh_host_*
rm -rf /var/lib/cloud/data /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem
rm -f /var/log/cloud-init.log /var/log/cloud-init-output.log
rm -rf /var/log/journal/*
rm -f /root/.bash_history /home/*/.bash_history
