//! Each source of the cluster's endpoint, and the status that systemd receives during the wait.

use crate::support::node::{Node, RunOutput, error, in_cluster, ready_api, with_imds};
use crate::support::real_parts::own_moto;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_bootstrap_sandbox::{Bottlerocket, Imds, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

const KUBECONFIG: &str = "var/lib/kubelet/kubeconfig";

/// Returns a node whose user data contains no NodeConfig.
fn without_node_config() -> (Node, Imds) {
    let imds = Imds::start(&Instance::default());
    (with_imds(&imds), imds)
}

/// Returns the log lines about the cluster.
fn cluster_lines(output: &RunOutput) -> Vec<&str> {
    output.stderr.lines().filter(|line| line.starts_with("cluster: ")).collect()
}

/// Returns the kubelet's kubeconfig as nodeadm writes it.
fn kubeconfig(server: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "kubelet",
        "clusters": [{ "name": "kubernetes", "cluster": {
            "certificate-authority": "/etc/kubernetes/pki/ca.crt", "server": server } }],
        "contexts": [{ "name": "kubelet", "context": { "cluster": "kubernetes", "user": "kubelet" } }],
        "users": [{ "name": "kubelet", "user": { "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
            "args": ["eks", "get-token", "--cluster-name", "prod", "--region", "us-west-2"] } } }],
    })
    .to_string()
}

#[test]
fn nodeadms_merged_configuration_provides_the_cluster() {
    let api = ready_api();
    let (node, _imds) = without_node_config();
    node.file(
        "run/eks/nodeadm/config.json",
        &json!({ "metadata": {}, "spec": { "cluster": {
            "name": "prod", "apiServerEndpoint": api.url(),
            "certificateAuthority": api.ca_base64(), "cidr": "10.100.0.0/16" } }, "status": {} })
        .to_string(),
    );
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        cluster_lines(&output),
        [format!("cluster: prod at {} (source: /run/eks/nodeadm/config.json)", api.url())]
    );
}

#[test]
fn the_kubelets_kubeconfig_provides_the_cluster_but_not_the_token() {
    let api = ready_api();
    let (node, _imds) = without_node_config();
    node.file(KUBECONFIG, &kubeconfig(&api.url()));
    node.file("etc/kubernetes/pki/ca.crt", api.ca_pem());
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        cluster_lines(&output),
        [format!("cluster: prod at {} (source: /var/lib/kubelet/kubeconfig)", api.url())]
    );
    let token = api.requests()[0].token.clone().unwrap();
    assert!(token.starts_with("k8s-aws-v1."), "signed by eni-bootstrap, not by the AWS CLI");
}

#[test]
fn the_kubeconfig_template_of_al2_is_skipped() {
    let api = ready_api();
    let (node, _imds) = without_node_config();
    node.file(KUBECONFIG, &kubeconfig("MASTER_ENDPOINT"));
    let mut seed = Bottlerocket::seed(&Instance::default(), &api);
    seed["kubernetes"]["cluster-name"] = json!("rocket");
    let settings = Bottlerocket::in_container(node.root(), &seed);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        cluster_lines(&output),
        [
            "cluster: /var/lib/kubelet/kubeconfig skipped: bootstrap.sh has not filled in this template yet".to_owned(),
            format!("cluster: rocket at {} (source: Bottlerocket settings)", api.url()),
        ]
    );
    assert_eq!(settings.lines()[0], "GET /settings?prefix=settings.kubernetes");
}

/// Answers one HTTP request and returns its first line.
fn answer_one(stream: impl Read + Write, body: &Value) -> String {
    let mut stream = BufReader::new(stream);
    let head: Vec<String> =
        stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    let (body, json) = (body.to_string(), "Content-Type: application/json");
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\n{json}\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
    head[0].clone()
}

#[test]
fn a_cluster_name_alone_calls_eks() {
    let Some(moto) = own_moto() else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let described = account.cluster("prod", &[&account.subnet(&vpc, "us-west-2a", "10.0.1.0/24")]);
    // moto returns a random endpoint and certificate, so the connection fails after the call to
    // EKS.
    assert_eq!(described["status"], "ACTIVE");
    let (node, _imds) = without_node_config();
    let node = node.with("--eks-endpoint", &moto.endpoint);
    let output = node.run(["run", "--cluster-name", "prod"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(78),
            "error: failed to connect to the cluster\n  caused by: the cluster's certificate authority is not base64-encoded PEM\n  help: copy `cluster.endpoint` and `cluster.certificate-authority` from `aws eks describe-cluster --name NAME --query 'cluster.[endpoint,certificateAuthority.data]'`\n"
        )
    );
    assert_eq!(
        cluster_lines(&output),
        ["cluster: prod: no local cluster endpoint; calling eks:DescribeCluster"]
    );
    let unknown = node.run(["run", "--cluster-name", "dev"]);
    assert_eq!(
        (unknown.status, error(&unknown)),
        (
            Some(78),
            "error: failed to connect to the cluster\n  caused by: failed to get the cluster endpoint from EKS\n  caused by: EKS cluster \"dev\" not found in us-west-2\n  help: correct `cluster.name`, or set `cluster.endpoint` and `cluster.certificate-authority` to skip this call\n"
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn the_endpoint_from_eks_is_used() {
    // No server listens on moto's endpoints. This is the response in the EKS API reference.
    let api = ready_api();
    let cluster = json!({ "cluster": {
        "name": "prod", "status": "ACTIVE", "endpoint": api.url(),
        "certificateAuthority": { "data": in_lines(&api.ca_base64()) },
        "resourcesVpcConfig": { "subnetIds": [] },
    }});
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let eks = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        answer_one(stream, &cluster)
    });
    let (node, _imds) = without_node_config();
    let output = node.run(["run", "--cluster-name", "prod", "--eks-endpoint", &endpoint]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(eks.join().unwrap(), "GET /clusters/prod HTTP/1.1");
    assert_eq!(
        cluster_lines(&output),
        [
            "cluster: prod: no local cluster endpoint; calling eks:DescribeCluster".to_owned(),
            format!("cluster: prod at {} (source: eks:DescribeCluster)", api.url()),
        ]
    );
}

/// Returns `text` in lines, as `base64` without `-w0` prints it.
fn in_lines(text: &str) -> String {
    let lines = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns a YAML literal block.
fn block(lines: &str, indent: &str) -> String {
    lines.lines().fold("|".to_owned(), |block, line| format!("{block}\n{indent}{line}"))
}

#[test]
fn a_certificate_authority_in_lines_is_accepted_from_every_source() {
    let api = ready_api();
    let flat = api.ca_base64();
    let lines = in_lines(&flat);
    let is_ready = |source: &str, node: &Node, arguments: &[&str]| {
        let output = node.run(["run"].iter().chain(arguments));
        assert_eq!(output.status, Some(0), "{source}: {}", output.stderr);
    };
    let user_data = api.node_config().replace(&flat, &block(&lines, "      "));
    let imds = crate::support::node::imds_with(user_data);
    is_ready("user data", &with_imds(&imds), &[]);
    let (node, _imds) = without_node_config();
    let url = api.url();
    let settings = format!(
        "[cluster]\nname = \"prod\"\nendpoint = \"{url}\"\ncertificate-authority = \"\"\"\n{lines}\"\"\"\n"
    );
    node.file("etc/eni-bootstrap/90.toml", &settings);
    is_ready("settings", &node, &[]);
    let (node, _imds) = without_node_config();
    let inline = format!("\"certificate-authority-data\":{}", json!(lines));
    let by_file = "\"certificate-authority\":\"/etc/kubernetes/pki/ca.crt\"";
    node.file(KUBECONFIG, &kubeconfig(&url).replace(by_file, &inline));
    is_ready("the kubelet's kubeconfig", &node, &[]);
    let (node, _imds) = without_node_config();
    let own = api.kubeconfig().replace(&json!(flat).to_string(), &json!(lines).to_string());
    node.file("var/lib/kubelet/kubeconfig", &own);
    let path = node.root().join(KUBECONFIG);
    let by_path = ["--cluster-kubeconfig", path.to_str().unwrap()];
    is_ready("a kubeconfig with its own credentials", &node, &by_path);
    // Bottlerocket's API rejects white space, and the_endpoint_from_eks_is_used covers EKS.
}

#[test]
fn a_kubeconfig_with_its_own_credentials_is_used_unchanged() {
    let api = ready_api();
    api.accept_tokens(vec!["sandbox-token".to_owned()]);
    let (node, _imds) = without_node_config();
    // The path is not relative to the root, which is not / here.
    let path = node.file("kubeconfig", &api.kubeconfig());
    node.file("etc/eni-bootstrap/90.toml", &format!("[cluster]\nkubeconfig = {path:?}\n"));
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        cluster_lines(&output),
        [format!("cluster: kubeconfig {} (including its credentials)", path.display())]
    );
}

#[test]
fn systemd_receives_the_status_of_the_wait_and_more_time() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let socket = node.root().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(Duration::from_mins(3))).unwrap();
    let mut command = node.command(["run", "--eni-config-wait", "10m"]);
    command.env("NOTIFY_SOCKET", &socket);
    let run =
        std::thread::spawn(move || crate::support::node::run_output(command.output().unwrap()));
    // A slow API server is another state.
    let mut notifications = std::iter::repeat_with(|| {
        let mut buffer = [0; 4096];
        let length = systemd.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    })
    .filter(|text| !text.contains("no response yet"));
    let state =
        "STATUS=Waiting for ENIConfig us-west-2a: the ENIConfig does not exist in the cluster";
    let end = "\nEXTEND_TIMEOUT_USEC=60000000\n";
    assert_eq!(notifications.next().unwrap(), format!("{state}{end}"));
    let later = notifications.next().unwrap();
    let left = later.strip_prefix(state).and_then(|it| it.strip_suffix(end));
    let left = left.and_then(|it| it.strip_prefix("; ")?.strip_suffix(" left")).expect(&later);
    let left = humantime::parse_duration(left).unwrap();
    assert!(left <= Duration::from_mins(10) - Duration::from_secs(15), "{later:?}");
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = run.join().unwrap();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

#[test]
fn the_status_of_the_wait_contains_the_cause() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    drop(api); // nothing listens on its port
    let socket = node.root().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut command = node.command(["run", "--eni-config-wait", "1s"]);
    command.env("NOTIFY_SOCKET", &socket);
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    let mut buffer = [0; 4096];
    let length = systemd.recv(&mut buffer).unwrap();
    let status = String::from_utf8(buffer[..length].to_vec()).unwrap();
    let start = "STATUS=Waiting for the aws-node DaemonSet: the API server is unreachable: ";
    assert!(status.starts_with(start), "{status}");
    assert!(status.contains("Connection refused"), "{status}");
}

#[test]
fn an_unusable_source_is_skipped_and_logged() {
    let api = ready_api();
    let (node, _imds) = without_node_config();
    node.file("run/eks/nodeadm/config.json", "[");
    node.file(KUBECONFIG, &kubeconfig(&api.url()));
    let authority = STANDARD.encode(api.ca_pem());
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    let given = ["--cluster-name", "prod", "--cluster-endpoint", &api.url()];
    let authority = ["--cluster-certificate-authority", &authority];
    let output = node.run(["run"].iter().chain(&given).chain(&authority));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        cluster_lines(&output),
        [
            "cluster: /run/eks/nodeadm/config.json skipped: not a nodeadm configuration".to_owned(),
            "cluster: /var/lib/kubelet/kubeconfig skipped: the certificate authority file is unreadable"
                .to_owned(),
            format!("cluster: prod at {} (source: eni-bootstrap settings)", api.url()),
        ]
    );
}
