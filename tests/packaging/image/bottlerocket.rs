//! The image as a bootstrap container of Bottlerocket, configured only by user data.

use super::ARCHITECTURES;
use crate::support::bottlerocket::{COMMIT, Host, PATCH, USER_DATA, as_planned, ready};
use crate::support::container::Container;
use crate::support::node::{RunOutput, run_output};

/// By default, kube-reserved depends on the CPUs of this machine, and the verification needs EC2.
const SETTINGS: &str = "[reserve]\ncpu = \"70m\"\n[eni-config]\nverify = false\n";

/// Runs the container on `host`, as in a boot.
fn boot(host: &Host, architecture: &str) -> Option<RunOutput> {
    let container = Container::from_image(architecture)?
        .with_host(host.node.root())
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", host.imds.endpoint());
    Some(run_output(container.command().output().unwrap()))
}

#[test]
fn first_boot_changes_the_settings_and_second_boot_does_not() {
    for architecture in ARCHITECTURES {
        let host = Host::new();
        host.node.file(USER_DATA, SETTINGS);
        let Some(first) = boot(&host, architecture) else { return };
        ready(&first);
        assert_eq!(host.kubelet(), as_planned(), "{architecture}");
        assert_eq!(host.changing(), [PATCH, COMMIT], "{architecture}");
        ready(&boot(&host, architecture).unwrap());
        assert_eq!(host.changing(), [PATCH, COMMIT], "{architecture}");
    }
}

#[test]
fn unreachable_settings_api_fails_the_container() {
    let mut host = Host::new();
    host.node.file(USER_DATA, SETTINGS);
    host.settings.kill();
    let Some(output) = boot(&host, ARCHITECTURES[0]) else { return };
    assert_eq!((output.status, output.stdout.as_str()), (Some(69), ""), "{}", output.stderr);
    let cause = "caused by: no response to GET /settings from the Bottlerocket settings API (/run/api.sock)\n";
    assert!(output.stderr.contains(cause), "{}", output.stderr);
}
