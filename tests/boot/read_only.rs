//! A file system that cannot be written.

use crate::support::boot::Site;
use crate::support::boot::node::Family::Al2023;

/// Between nodeadm's first phase, which writes there, too, and our unit.
const READ_ONLY_ETC: &str = "[Unit]
After=nodeadm-config.service
Before=eni-bootstrap.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/mount -o bind,ro /etc /etc
[Install]
WantedBy=multi-user.target
";

/// What the console shows.
const ERROR: &str = "error: the node could not be configured
  because: failed to write /etc/eks/nodeadm.d/90-eni-bootstrap.yaml
  because: Read-only file system (os error 30)
  help: run eni-bootstrap as root, and check that the file system is writable and has free space; the previous file is intact
";

#[test]
fn a_read_only_etc_is_refused_and_the_kubelet_does_not_start() {
    let Some(site) = Site::new("read_only_etc", Al2023) else { return };
    site.create_eni_config();
    site.node.write("etc/systemd/system/read-only-etc.service", READ_ONLY_ETC);
    site.node.systemctl(&["enable", "read-only-etc.service"]);
    let machine = site.node.boot();
    machine.booted();
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "73");
    let order = machine.order();
    order.never_started("nodeadm-run.service");
    order.never_started("kubelet.service");
    machine.console_until("  help: ");
    machine.console_until("Dependency failed for nodeadm-run.service");
    let said = machine.console_of("eni-bootstrap");
    assert!(said.ends_with(ERROR), "{said}");
}
