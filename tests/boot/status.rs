//! What `systemctl status` says while the node waits, and that systemd lets it wait.

use super::al2023::ours;
use crate::support::boot::kubelet::Kubelet;
use crate::support::boot::node::Family::Al2023;
use crate::support::boot::{CREATED, Site};
use std::time::Duration;

#[test]
fn the_status_says_what_is_waited_for_and_a_wait_beyond_the_units_timeout_goes_on() {
    let Some(site) = Site::new("status", Al2023) else { return };
    site.node.settings("[eni-config]\nwait = \"40s\"\n");
    site.node.drop_in("eni-bootstrap.service", "60-timeout", "[Service]\nTimeoutStartSec=10\n");
    let machine = site.node.boot();
    let status = || machine.property("eni-bootstrap", "StatusText");
    machine.until("status of the wait", || status().starts_with("Waiting for ENIConfig"));
    assert_eq!(status(), "Waiting for ENIConfig us-west-2a: not found in the cluster");
    // It says so again after 15 s, which is later than the timeout of its start.
    machine.console_until("wait: ENIConfig us-west-2a not found; retrying (");
    let order = site.create_late(&machine);
    let began = order.unit("eni-bootstrap.service").began.unwrap();
    let marked = order.unit(CREATED).done.unwrap();
    assert!(marked > began + Duration::from_secs(10), "{order}");
    assert_eq!(Kubelet::started(&machine).in_force(), ours());
}
