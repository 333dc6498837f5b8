//! Invalid settings: exit code 78, an error with its location, and an unchanged node.

use crate::support::node::{Node, error, with_imds};
use eni_bootstrap_sandbox::{Imds, Instance};

#[test]
fn an_unknown_key_is_exit_code_78_with_file_line_and_nearest_key() {
    let imds = Imds::start(&Instance::default());
    let node = with_imds(&imds);
    let path =
        node.file("etc/eni-bootstrap/10.toml", "[cni]\nprefix-delegation = true\nprefx = 1\n");
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, output.stderr),
        (
            Some(78),
            format!(
                "error: failed to load the settings\n  caused by: {}, line 3: unknown key \"prefx\"\n  help: did you mean `prefix-delegation`?\n",
                path.display()
            )
        )
    );
    assert_eq!(
        imds.requests(),
        Vec::<String>::new(),
        "settings are checked before the first request"
    );
}

#[test]
fn a_misspelled_variable_and_a_missing_file_are_exit_code_78() {
    let node = Node::al2023();
    let mut command = node.command(["run"]);
    command.env("ENI_BOOTSTRAP_ENI_CONFIG_WAIT_", "5m");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(78),
            "error: failed to load the settings\n  caused by: unknown environment variable ENI_BOOTSTRAP_ENI_CONFIG_WAIT_\n  help: did you mean `ENI_BOOTSTRAP_ENI_CONFIG_WAIT`?\n"
        )
    );
    let output = node.run(["run", "--config", "/nonexistent.toml"]);
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(78),
            "error: failed to load the settings\n  caused by: /nonexistent.toml does not exist\n  help: correct the path, or remove `--config`\n"
        )
    );
}

#[test]
fn an_unknown_cluster_is_exit_code_78_before_any_file_is_written() {
    let imds = Imds::start(&Instance::default());
    let node = with_imds(&imds);
    let output = node.run(["run"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(78),
            "error: failed to compute the node configuration\n  caused by: the cluster is unknown: cluster.name, cluster.endpoint and cluster.certificate-authority are not set\n  help: put a NodeConfig in user data, or set cluster.name (EKS returns the rest), or set cluster.name, cluster.endpoint and cluster.certificate-authority, or set cluster.kubeconfig\n"
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn an_invalid_endpoint_or_certificate_authority_is_exit_code_78() {
    let imds = Imds::start(&Instance::default());
    let node = with_imds(&imds)
        .with("--cluster-name", "prod")
        .with("--cluster-certificate-authority", "bm90IFBFTQ==");
    for (endpoint, cause) in [
        (
            "http://plain.example",
            "cluster endpoint \"http://plain.example\" is not an https:// URL",
        ),
        ("https://api.example", "the cluster's certificate authority is not base64-encoded PEM"),
    ] {
        let output = node.run(["run", "--cluster-endpoint", endpoint]);
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(78),
                format!("error: failed to connect to the cluster\n  caused by: {cause}\n  help: copy `cluster.endpoint` and `cluster.certificate-authority` from `aws eks describe-cluster --name NAME --query 'cluster.[endpoint,certificateAuthority.data]'`\n").as_str()
            )
        );
    }
}

#[test]
fn plan_without_a_cluster_prints_a_warning() {
    let imds = Imds::start(&Instance::default());
    let node = with_imds(&imds).with("--host-kind", "none").with("--cni-source", "settings");
    let arguments = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!((arguments.status, arguments.stderr.as_str()), (Some(0), ""));
    assert!(arguments.stdout.starts_with("--max-pods=20 "), "{}", arguments.stdout);
    let text = node.run(["plan"]);
    assert!(
        text.stdout.contains("warning: `run` would fail: the cluster is unknown: cluster.name, cluster.endpoint and cluster.certificate-authority are not set; put a NodeConfig in user data"),
        "{}",
        text.stdout
    );
}

#[test]
fn an_invalid_value_of_a_variable_is_exit_code_78() {
    let node = Node::al2023();
    let run = |name: &str, value: &str, arguments: &[&str]| {
        let mut command = node.command(arguments);
        command.env(name, value);
        let output = crate::support::node::run_output(command.output().unwrap());
        (output.status, output.stderr)
    };
    let error = |text: &str| {
        (
            Some(78),
            format!(
                "error: failed to load the settings\n  caused by: environment variable {text}\n  help: see /usr/lib/eni-bootstrap/50-defaults.toml for every setting\n"
            ),
        )
    };
    assert_eq!(
        run("ENI_BOOTSTRAP_PODS_MAX", "many", &["run"]),
        error("ENI_BOOTSTRAP_PODS_MAX is invalid: \"many\": invalid digit found in string")
    );
    assert_eq!(
        run("ENI_BOOTSTRAP_IMDS_WAIT", "0s", &["run"]),
        error(
            "ENI_BOOTSTRAP_IMDS_WAIT is invalid: \"0s\" is not a timeout: use a duration longer than 0s (such as 90s or 10m)"
        )
    );
    assert_eq!(
        run("ENI_BOOTSTRAP_PODS_POLICY", "lowest", &["plan"]),
        error(
            "ENI_BOOTSTRAP_PODS_POLICY is invalid: \"lowest\" is not one of override, respect, lower"
        )
    );
    let (status, stderr) = run("ENI_BOOTSTRAP_PODS_MAX", "9", &["run", "--pods-max", "many"]);
    assert_eq!(status, Some(64), "{stderr}");
}

#[test]
fn an_error_does_not_contain_secrets_of_an_invalid_node_config_or_kubeconfig() {
    let imds = Imds::start(&Instance::default());
    imds.set(
        "user-data",
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster: \"hunter2\"\n",
    );
    let node = with_imds(&imds);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(65), "{}", output.stderr);
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    imds.remove("user-data");
    let path = node.file("kubeconfig", "apiVersion: v1\nkind: Config\nusers: \"hunter2\"\n");
    let output = node.run(["run", "--cluster-kubeconfig", path.to_str().unwrap()]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(78),
            format!("error: failed to connect to the cluster\n  caused by: kubeconfig {} is invalid at line 3\n  help: correct the file, set `cluster.kubeconfig` to another one, or remove the setting: nodes find their cluster without a kubeconfig\n", path.display()).as_str()
        )
    );
}
