//! Bad input and bad weather: what each comes to, in full, and that nothing half done is left.

use crate::node::{Ended, Node};
use eni_bootstrap_sandbox::{Access, Fault, Imds, Instance, KubernetesApi};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const DROP_IN: &str = "etc/eks/nodeadm.d/90-eni-bootstrap.yaml";

fn node(imds: &Imds) -> Node {
    Node::al2023().with("--imds-endpoint", imds.endpoint())
}

fn in_cluster(api: &KubernetesApi) -> (Node, Imds) {
    let user_data = Some(api.node_config().into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
    (node(&imds), imds)
}

/// The last lines of a log: the error, its reasons and its help.
fn error(ended: &Ended) -> &str {
    let begins = |line: &&str| line.starts_with("error: ");
    let line = ended.stderr.lines().find(begins).unwrap_or("no error");
    ended.stderr.find(&format!("{line}\n")).map_or(line, |at| &ended.stderr[at..])
}

#[test]
fn hostile_metadata_is_65_and_nothing_is_written() {
    let zone = |answer: &str| {
        format!(
            "error: this machine could not be identified\n  because: the instance metadata service does not say what this instance is\n  because: the instance metadata service sent nonsense for meta-data/placement/availability-zone\n  because: {answer} is not an availability zone (such as us-west-2a)\n  help: check what answers at the metadata endpoint: AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may point elsewhere\n"
        )
    };
    for (answer, shown) in [
        ("us west-2a", r#""us west-2a""#),
        ("us-west-2a\"", r#""us-west-2a\"""#),
        ("us-west-2a\n--max-pods=999", r#""us-west-2a\n--max-pods=999""#),
        ("--max-pods=999", r#""--max-pods=999""#),
        ("<html><body>Sign in</body></html>", r#""<html><body>Sign in</body></html>""#),
        ("", r#""""#),
    ] {
        let imds = Imds::start(&Instance::default());
        imds.set("meta-data/placement/availability-zone", answer);
        let node = node(&imds);
        let ended = node.run(["run"]);
        assert_eq!((ended.status, error(&ended)), (Some(65), zone(shown).as_str()));
        assert_eq!(node.written(), Vec::<String>::new());
    }
}

#[test]
fn a_huge_answer_is_65() {
    let imds = Imds::start(&Instance::default());
    imds.set("user-data", vec![b'x'; 10 << 20]);
    let node = node(&imds);
    let ended = node.run(["run"]);
    assert_eq!(ended.status, Some(65));
    assert!(
        error(&ended).contains("because: the instance metadata service sent more than 65536 bytes for latest/user-data\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn no_metadata_by_the_deadline_is_69_and_says_what_to_check() {
    let mut imds = Imds::start(&Instance::default());
    imds.kill();
    let ended = node(&imds).run(["run", "--imds-wait", "300ms"]);
    assert_eq!(ended.status, Some(69));
    let text = error(&ended);
    assert!(
        text.starts_with(&format!(
            "error: this machine could not be identified\n  because: the instance metadata service does not say what this instance is\n  because: the instance metadata service at {} does not answer\n",
            imds.endpoint()
        )),
        "{text}"
    );
    assert!(
        text.ends_with("help: check that this is an EC2 instance with instance metadata enabled (HttpEndpoint=enabled), a hop limit that reaches here (HttpPutResponseHopLimit), and no firewall before 169.254.169.254\n"),
        "{text}"
    );
}

#[test]
fn the_metadata_service_is_found_over_ipv6_and_never_through_a_proxy() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let mut command = node.command(["plan", "--output", "kubelet-args"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let ended = crate::node::ended(command.output().unwrap());
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let node = Node::al2023();
    let mut command = node.command(["plan", "--imds-wait", "10ms"]);
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    let ended = crate::node::ended(command.output().unwrap());
    assert_eq!(ended.status, Some(69));
    let where_to =
        "because: the instance metadata service at http://[fd00:ec2::254] does not answer\n";
    assert!(ended.stderr.contains(where_to), "{}", ended.stderr);
}

#[test]
fn metadata_that_is_disabled_is_said_at_once() {
    let imds = Imds::start(&Instance::default());
    imds.faults().fail_always_matching("", Fault::Status(403));
    let ended = node(&imds).run(["run"]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (
            Some(69),
            "error: this machine could not be identified\n  because: the instance metadata service does not say what this instance is\n  because: the instance metadata service is disabled for this instance (403 for latest/api/token)\n  help: enable instance metadata: `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`\n"
        )
    );
}

#[test]
fn a_token_that_is_refused_is_fetched_anew_once() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    imds.faults().fail_next_matching("instance-type", 1, Fault::Status(401));
    let ended = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let tokens = imds.requests().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(tokens, 2);
    imds.faults().fail_always_matching("instance-type", Fault::Status(401));
    let ended = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!(ended.status, Some(65), "{}", ended.stderr);
    let tokens = imds.requests().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(tokens, 4, "one more each, and no third");
}

#[test]
fn wrong_settings_are_78_with_file_and_line() {
    let imds = Imds::start(&Instance::default());
    let node = node(&imds);
    let path =
        node.file("etc/eni-bootstrap/10.toml", "[cni]\nprefix-delegation = true\nprefx = 1\n");
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, ended.stderr),
        (
            Some(78),
            format!(
                "error: the settings cannot be used\n  because: {}, line 3: unknown field `prefx`, expected one of `source`, `custom-networking`, `prefix-delegation`, `max-eni`, `pod-eni`, `reserved-enis`, `ip-family`, `multi-nic`, `minimum-ip-target`, `warm-ip-target`\n  help: did you mean `prefix-delegation`?\n",
                path.display()
            )
        )
    );
    assert_eq!(
        imds.requests(),
        Vec::<String>::new(),
        "settings are checked before anything is asked"
    );
}

#[test]
fn a_misspelt_variable_and_a_missing_file_are_78() {
    let node = Node::al2023();
    let mut command = node.command(["run"]);
    command.env("ENI_BOOTSTRAP_ENI_CONFIG_WAIT_", "5m");
    let ended = crate::node::ended(command.output().unwrap());
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (
            Some(78),
            "error: the settings cannot be used\n  because: there is no setting ENI_BOOTSTRAP_ENI_CONFIG_WAIT_\n  help: did you mean `ENI_BOOTSTRAP_ENI_CONFIG_WAIT`?\n"
        )
    );
    let ended = node.run(["run", "--config", "/nonexistent.toml"]);
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (
            Some(78),
            "error: the settings cannot be used\n  because: /nonexistent.toml: there is no such file\n  help: correct the path, or leave --config out\n"
        )
    );
}

#[test]
fn an_eniconfig_that_never_comes_is_75_and_the_files_stay() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let ended = node.run(["run", "--eni-config-wait", "500ms"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(75),
            "error: the kubelet must not start yet\n  because: ENIConfig us-west-2a was not ready after 500ms: it is not there\n  help: create it: `kubectl apply -f - <<< '{\"apiVersion\":\"crd.k8s.amazonaws.com/v1alpha1\",\"kind\":\"ENIConfig\",\"metadata\":{\"name\":\"us-west-2a\"},\"spec\":{\"subnet\":\"SUBNET-ID\",\"securityGroups\":[\"SECURITY-GROUP-ID\"]}}'`\n"
        )
    );
    assert_eq!(node.written(), [DROP_IN]);
    let ended = node.run(["run", "--eni-config-wait", "0", "--eni-config-on-timeout", "continue"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("warning: ENIConfig us-west-2a was not ready after 0s: it is not there; going on all the same: eni-config.on-timeout = \"continue\"\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn missing_rbac_is_77_and_an_unreachable_server_69() {
    let mut api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    api.set_access(Access::Forbidden);
    let ended = node.run(["run", "--eni-config-wait", "300ms"]);
    assert_eq!(ended.status, Some(77));
    assert!(
        error(&ended).ends_with("help: let nodes read ENIConfigs: `kubectl apply -f rbac.yaml`, the file of this package (/usr/share/eni-bootstrap/rbac.yaml)\n"),
        "{}",
        ended.stderr
    );
    api.kill();
    let ended = node.run(["run", "--eni-config-wait", "300ms"]);
    assert_eq!(ended.status, Some(69));
    assert!(error(&ended).contains("the API server does not answer: "), "{}", ended.stderr);
}

#[test]
fn no_role_and_so_no_token_is_69_and_says_so() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    imds.remove("meta-data/iam/security-credentials/");
    let mut command = node.command(["run", "--eni-config-wait", "3s"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ended = crate::node::ended(command.output().unwrap());
    assert_eq!(ended.status, Some(69), "{}", ended.stderr);
    assert!(
        error(&ended).contains("there are no AWS credentials to sign a token with: "),
        "{}",
        ended.stderr
    );
    assert!(error(&ended).ends_with("help: give the instance a role (an instance profile)\n"));
}

#[test]
fn a_cluster_that_nobody_names_is_78_before_anything_is_written() {
    let imds = Imds::start(&Instance::default());
    let node = node(&imds);
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(78),
            "error: no plan fits this machine\n  because: it is not known where the cluster's API server is: cluster.name, cluster.endpoint, cluster.certificate-authority missing\n  help: put a NodeConfig in user data, or set cluster.name, cluster.endpoint and cluster.certificate-authority, or cluster.kubeconfig\n"
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn a_cluster_that_cannot_be_one_is_78() {
    let imds = Imds::start(&Instance::default());
    let node = node(&imds)
        .with("--cluster-name", "prod")
        .with("--cluster-certificate-authority", "bm90IFBFTQ==");
    for (endpoint, why) in [
        (
            "http://plain.example",
            "the cluster's endpoint \"http://plain.example\" is not an https:// address",
        ),
        ("https://api.example", "the cluster's certificate authority is not PEM in base64"),
    ] {
        let ended = node.run(["run", "--cluster-endpoint", endpoint]);
        assert_eq!(
            (ended.status, error(&ended)),
            (
                Some(78),
                format!("error: the cluster could not be asked for its ENIConfig\n  because: {why}\n  help: compare with `aws eks describe-cluster --name NAME`: the endpoint and certificateAuthority.data, as they stand there\n").as_str()
            )
        );
    }
}

#[test]
fn a_plan_without_a_cluster_is_shown_with_a_warning() {
    let imds = Imds::start(&Instance::default());
    let node = node(&imds).with("--host-kind", "none");
    let arguments = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!((arguments.status, arguments.stderr.as_str()), (Some(0), ""));
    assert!(arguments.stdout.starts_with("--max-pods=20 "), "{}", arguments.stdout);
    let text = node.run(["plan"]);
    assert!(
        text.stdout.contains("warning: a run would be refused: it is not known where the cluster's API server is: cluster.name, cluster.endpoint, cluster.certificate-authority missing\n"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_variable_with_a_value_that_is_none_is_78_and_named() {
    let node = Node::al2023();
    let ended = |name: &str, value: &str, arguments: &[&str]| {
        let mut command = node.command(arguments);
        command.env(name, value);
        let ended = crate::node::ended(command.output().unwrap());
        (ended.status, ended.stderr)
    };
    let error = |text: &str| {
        (
            Some(78),
            format!(
                "error: the settings cannot be used\n  because: the variable {text}\n  help: correct it; /usr/lib/eni-bootstrap/50-defaults.toml explains every key\n"
            ),
        )
    };
    assert_eq!(
        ended("ENI_BOOTSTRAP_PODS_MAX", "many", &["run"]),
        error(
            "ENI_BOOTSTRAP_PODS_MAX cannot be used: \"many\" is not a value of --pods-max: invalid digit found in string"
        )
    );
    assert_eq!(
        ended("ENI_BOOTSTRAP_HOST_KIND", "mainframe", &["plan"]),
        error(
            "ENI_BOOTSTRAP_HOST_KIND cannot be used: \"mainframe\" is not a value of --host-kind"
        )
    );
    let (status, stderr) = ended("ENI_BOOTSTRAP_PODS_MAX", "9", &["run", "--pods-max", "many"]);
    assert_eq!(status, Some(64), "{stderr}");
}

#[test]
fn secrets_in_a_broken_node_config_or_kubeconfig_are_not_quoted() {
    let imds = Imds::start(&Instance::default());
    imds.set(
        "user-data",
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster: \"hunter2\"\n",
    );
    let node = node(&imds);
    let ended = node.run(["run"]);
    assert_eq!(ended.status, Some(65), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    imds.remove("user-data");
    let path = node.file("kubeconfig", "apiVersion: v1\nkind: Config\nusers: \"hunter2\"\n");
    let ended = node.run(["run", "--cluster-kubeconfig", path.to_str().unwrap()]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(78),
            format!("error: the cluster could not be asked for its ENIConfig\n  because: the kubeconfig {}, line 3 cannot be read\n  help: correct it, or leave cluster.kubeconfig out\n", path.display()).as_str()
        )
    );
}

#[test]
fn an_image_of_no_known_family_is_65() {
    let imds = Imds::start(&Instance::default());
    let ended = Node::empty().with("--imds-endpoint", imds.endpoint()).run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(65),
            "error: this machine could not be identified\n  because: this image is of no known family\n  because: this image has neither a nodeadm-run.service nor a kubelet.service\n  help: run it on an EKS node image, or use `--host-kind none` and pass on what `eni-bootstrap plan --output kubelet-args` prints\n"
        )
    );
}

#[test]
fn a_target_that_cannot_be_written_is_73_and_the_old_file_is_whole() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    node.file(DROP_IN, "of the boot before\n");
    // A folder in the draft's place: root may write where others may not, but not this.
    let draft = node.root().join("etc/eks/nodeadm.d/.90-eni-bootstrap.yaml.eni-bootstrap-partial");
    fs::create_dir(&draft).unwrap();
    let ended = node.run(["run"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(73),
            format!(
                "error: the node could not be configured\n  because: could not write {}\n  because: Is a directory (os error 21)\n  help: run it as root on a writable file system with room left; the old file, if any, is whole\n",
                node.root().join(DROP_IN).display()
            )
            .as_str()
        )
    );
    assert_eq!(node.read(DROP_IN).as_deref(), Some("of the boot before\n"));
}

#[test]
fn a_full_or_read_only_file_system_is_73_and_the_old_file_is_whole() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    for (options, why) in [
        ("size=4k", "No space left on device (os error 28)"),
        ("ro", "Read-only file system (os error 30)"),
    ] {
        let folder = node.root().join("etc/eks/nodeadm.d");
        fs::create_dir_all(&folder).unwrap();
        let Some(_mounted) =
            crate::real_parts::tmpfs(&folder, options, &[("90-eni-bootstrap.yaml", "old\n")])
        else {
            return;
        };
        let ended = node.run(["run"]);
        assert_eq!(ended.status, Some(73), "{}", ended.stderr);
        assert!(error(&ended).contains(&format!("because: {why}\n")), "{}", ended.stderr);
        assert_eq!(node.read(DROP_IN).as_deref(), Some("old\n"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
    }
}

#[test]
fn the_mode_of_a_file_that_was_there_is_kept() {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", serde_json::json!({ "subnet": "subnet-0a" }));
    let (node, _imds) = in_cluster(&api);
    let path = node.file(DROP_IN, "old\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn two_runs_do_not_interleave() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let first = node.start(["run"]);
    assert!(api.wait_for("watch", 1, std::time::Duration::from_secs(30)));
    let second = node.run(["run", "--imds-wait", "300ms"]);
    assert_eq!(
        (second.status, error(&second)),
        (
            Some(73),
            format!(
                "error: a file could not be used\n  because: another eni-bootstrap is at work on this machine (it holds {})\n  help: wait for the other run to end (`systemctl status eni-bootstrap`), or end it\n",
                node.root().join("run/eni-bootstrap/lock").display()
            )
            .as_str()
        )
    );
    api.apply("us-west-2a", serde_json::json!({ "subnet": "subnet-0a" }));
    assert_eq!(first.end().status, Some(0));
}

#[test]
fn unlabelled_tags_are_named() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    let ended = node.run(["plan", "--eni-config-name", "{tag:Pool}-{zone}"]);
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(78),
            "error: no plan fits this machine\n  because: the ENIConfig's name cannot be made from eni-config.name\n  because: {tag:Pool} is not known on this machine\n  help: use another field; for {tag:KEY} allow tags in instance metadata (InstanceMetadataTags=enabled)\n"
        )
    );
    imds.set("meta-data/tags/instance/Pool", "blue");
    let ended = node.run(["plan", "--output", "json", "--eni-config-name", "{tag:Pool}-{zone}"]);
    let plan: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(plan["eni-config"], "blue-us-west-2a");
}
