//! A boot with a read-only `/etc`.

use crate::support::boot::Fixture;
use crate::support::boot::node::Family::Al2023;

/// A unit that makes `/etc` read-only after nodeadm-config.service, which writes to it, and before
/// eni-bootstrap.service.
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

/// The error on the console.
const ERROR: &str = "error: failed to configure the node
  caused by: failed to write /etc/eks/nodeadm.d/90-eni-bootstrap.yaml
  caused by: Read-only file system (os error 30)
  help: run eni-bootstrap as root, and check that the file system is writable and has free space; in eni-bootstrap.service, ReadWritePaths= must contain the directory; the previous file is intact
";

#[test]
fn read_only_etc_fails_the_unit_and_blocks_the_kubelet() {
    let Some(fixture) = Fixture::new("read_only_etc", Al2023) else { return };
    fixture.create_eni_config();
    fixture.node.write("etc/systemd/system/read-only-etc.service", READ_ONLY_ETC);
    fixture.node.systemctl(&["enable", "read-only-etc.service"]);
    let machine = fixture.node.boot();
    machine.wait_until_booted();
    assert_eq!(machine.property("eni-bootstrap", "ExecMainStatus"), "73");
    let order = machine.order();
    order.assert_never_started("nodeadm-run.service");
    order.assert_never_started("kubelet.service");
    machine.wait_for_console("  help: ");
    machine.wait_for_console("Dependency failed for nodeadm-run.service");
    let log = machine.console_lines_of("eni-bootstrap");
    assert!(log.ends_with(ERROR), "{log}");
}
