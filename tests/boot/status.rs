//! The status text of the unit during the wait, and a wait longer than `TimeoutStartSec`.

use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::node::Family::Al2023;
use crate::support::boot::{CREATED, Fixture};
use std::time::Duration;

#[test]
fn status_shows_the_wait_and_the_wait_extends_the_start_timeout() {
    let Some(fixture) = Fixture::new("status", Al2023) else { return };
    fixture.node.drop_in("eni-bootstrap.service", "60-timeout", "[Service]\nTimeoutStartSec=25\n");
    let machine = fixture.node.boot();
    let status = || machine.property("eni-bootstrap", "StatusText");
    // Later, the remaining time follows.
    let expected = "Waiting for ENIConfig us-west-2a: the ENIConfig does not exist in the cluster";
    machine.wait_until("status of the wait", || status().starts_with(expected));
    // The message is repeated after 15 s and 30 s. The latter is after the start timeout.
    machine.wait_until("second report", || {
        machine.console().matches("wait: ENIConfig us-west-2a not found; retrying (").count() > 1
    });
    let order = fixture.create_eni_config_late(&machine);
    let began = order.unit("eni-bootstrap.service").began.unwrap();
    let marked = order.unit(CREATED).done.unwrap();
    assert!(marked > began + Duration::from_secs(25), "{order}");
    assert_eq!(Kubelet::started(&machine).effective(), EffectiveKubelet::configured());
}
