//! The image as Bottlerocket runs it: with its settings API, and nothing given to it but user data.

use super::ARCHITECTURES;
use crate::support::bottlerocket::{COMMIT, Host, PATCH, USER_DATA, as_planned, ready};
use crate::support::container::Container;
use crate::support::node::{Ended, ended};

/// By this machine's CPUs the reserve would be another; EC2 is not here.
const SETTINGS: &str = "[reserve]\ncpu = \"70m\"\n[eni-config]\nverify = false\n";

/// A boot of `host`.
fn boot(host: &Host, architecture: &str) -> Option<Ended> {
    let container = Container::of_image(architecture)?
        .with_host(host.node.root())
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", host.imds.endpoint());
    Some(ended(container.command().output().unwrap()))
}

#[test]
fn it_tells_bottlerocket_at_the_first_boot_and_leaves_it_alone_at_the_second() {
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
fn a_settings_api_that_is_gone_is_said_on_stderr_and_fails_the_container() {
    let mut host = Host::new();
    host.node.file(USER_DATA, SETTINGS);
    host.settings.kill();
    let Some(ended) = boot(&host, ARCHITECTURES[0]) else { return };
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(69), ""), "{}", ended.stderr);
    let why = "because: no response to GET /settings from the Bottlerocket settings API (/run/api.sock)\n";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
}
