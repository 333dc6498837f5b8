//! The time limits of a run compared with the start timeout of its unit.

use crate::support::node::{Node, Running, imds_with, in_cluster, with_imds};
use eni_bootstrap_sandbox::KubernetesApi;
use std::os::unix::fs::PermissionsExt as _;

/// Starts `run` as systemd with this version does, in a unit with a start timeout of 13 minutes. The ENIConfig
/// does not exist.
fn start_in_unit(node: &Node, version: &str, wait: &str) -> Running {
    let systemctl = format!(
        "#!/bin/sh\ncase $2 in\n--property=Version) echo Version={version} ;;\n--property=TimeoutStartUSec) echo TimeoutStartUSec=13min ;;\nesac\n"
    );
    let path = node.file("bin/systemctl", &systemctl);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = node.command(["run", &format!("--eni-config-wait={wait}")]);
    let directory = path.parent().unwrap().display();
    command.env("PATH", format!("{directory}:/usr/bin:/bin"));
    command.env("NOTIFY_SOCKET", node.root().join("notify"));
    Running::new(command)
}

#[test]
fn a_start_timeout_that_systemd_219_does_not_extend_limits_the_wait() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    for wait in ["30m", "forever"] {
        let mut running = start_in_unit(&node, "219", wait);
        let warning = running.until("wait: ");
        let expected = format!(
            "warning: wait: systemd 219 stops eni-bootstrap.service after 13m; reducing eni-config.wait from {wait} to 12m"
        );
        assert!(warning.starts_with(&expected), "{warning}");
        let help = "; to wait longer, raise TimeoutStartSec= with `systemctl edit eni-bootstrap`\n";
        assert!(warning.ends_with(help), "{warning}");
        let announced = running.until("for ENIConfig us-west-2a");
        assert!(announced.starts_with("wait: waiting up to 12m "), "{announced}");
    }
    for (version, wait) in [("219", "10m"), ("252.38-1~deb12u1", "30m")] {
        let line = start_in_unit(&node, version, wait).until("wait: ");
        assert_eq!(line, format!("wait: waiting up to {wait} for ENIConfig us-west-2a\n"));
    }
}

/// imds.wait has its default of two minutes.
#[test]
fn describe_cluster_shares_the_time_limit_of_the_cluster() {
    let name_only = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: sandbox\n";
    let imds = imds_with(name_only);
    let node = with_imds(&imds).with("--eks-endpoint", "http://127.0.0.1:9");
    let output = node.run(["run", "--eni-config-wait=2s"]);
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    let retries = output.stderr.matches("; retrying in ").count();
    assert!(retries < 12, "{retries} retries in two seconds:\n{}", output.stderr);
}
