//! Features of the stand-in only: a late applier, faults, and a socket that disappears.

use super::client::{BrokenResponse, Connection, Response};
use super::row::{Host, JSON};
use eni_bootstrap_sandbox::{Applied, Applier, Bottlerocket, Fault, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

const PODS: &str = "settings.kubernetes.max-pods";
const CONFIG: &str = "etc/kubernetes/kubelet/config";
const ENV: &str = "etc/kubernetes/kubelet/env";
/// A time limit that no test reaches.
const LIMIT: Duration = Duration::from_mins(5);

fn seed() -> Value {
    let instance = Instance { instance_type: "m5.large".to_owned(), ..Instance::default() };
    Bottlerocket::seed(&instance, &KubernetesApi::start())
}

fn host(seed: &Value) -> (TempDir, Bottlerocket) {
    let container = tempfile::tempdir().unwrap();
    let host = Bottlerocket::in_container(container.path(), seed);
    (container, host)
}

fn send(host: &Bottlerocket, method: &str, target: &str, body: Option<&str>) -> Response {
    Connection::open(host.socket()).send(method, target, JSON, body).unwrap()
}

/// Commits `kubernetes`, and returns the status of the commit.
fn commit(host: &Bottlerocket, kubernetes: &Value) -> u16 {
    let body = json!({ "kubernetes": kubernetes }).to_string();
    assert_eq!(send(host, "PATCH", "/settings?tx=a", Some(&body)).status, 204);
    send(host, "POST", "/tx/commit_and_apply?tx=a", None).status
}

fn reserved(host: &Bottlerocket) -> Vec<String> {
    let config = host.rendered(CONFIG).unwrap();
    let lines = config.lines().skip_while(|line| *line != "kubeReserved:").skip(1);
    lines.take_while(|line| line.starts_with(' ')).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_late_applier_leaves_the_old_files_until_it_is_released() {
    let (_container, host) = host(&seed());
    host.set_applier(Applier::Held);
    let labels = json!({ "k8s.amazonaws.com/eniConfig": "us-west-2a" });
    assert_eq!(commit(&host, &json!({ "max-pods": 20, "node-labels": labels })), 200);
    assert_eq!(host.live()["kubernetes"]["max-pods"], 20);
    assert!(host.wait_for_held(LIMIT));
    let before = Host { labels: String::new(), ..Host::default() };
    assert_eq!(Host::of(&host), before);
    host.release();
    let label = "settings.kubernetes.node-labels.\"k8s.amazonaws.com/eniConfig\"";
    let after = Host { max_pods: "20".to_owned(), ..Host::applied(&format!("{PODS},{label}")) };
    assert_eq!(Host::of(&host), after);
    // From here on, the applier runs at once.
    assert_eq!(commit(&host, &json!({ "max-pods": 21 })), 200);
    assert_eq!((host.kubelet_restarts(), Host::of(&host).max_pods.as_str()), (2, "21"));
}

#[test]
fn an_applier_may_run_after_a_delay_and_each_run_is_recorded() {
    let (_container, host) = host(&seed());
    host.set_applier(Applier::After(Duration::from_millis(10)));
    assert_eq!(
        [commit(&host, &json!({ "max-pods": 20 })), commit(&host, &json!({ "max-pods": 20 }))],
        [200, 200]
    );
    assert!(host.wait_for_applied(2, LIMIT));
    let run = Applied { keys: Some(vec![PODS.to_owned()]), failure: None };
    assert_eq!((host.applied(), host.kubelet_restarts()), (vec![run.clone(), run], 2));
    host.set_applier(Applier::After(LIMIT));
    assert_eq!(commit(&host, &json!({ "max-pods": 21 })), 200);
    let (socket, config) = (host.socket().to_owned(), host.rendered(CONFIG).unwrap());
    assert!(config.contains("\nmaxPods: 20\n"), "{config}");
    drop(host);
    assert!(!socket.exists());
}

#[test]
fn kube_reserved_follows_max_pods_unless_it_is_set() {
    let (_container, rocket) = host(&seed());
    assert_eq!(
        reserved(&rocket),
        ["cpu: \"70m\"", "memory: \"574Mi\"", "ephemeral-storage: \"1Gi\""]
    );
    let configured = json!({ "memory": "600Mi", "cpu": "90m", "ephemeral-storage": "2Gi" });
    assert_eq!(commit(&rocket, &json!({ "max-pods": 110, "kube-reserved": configured })), 200);
    assert_eq!(
        reserved(&rocket),
        ["cpu: \"90m\"", "memory: \"600Mi\"", "ephemeral-storage: \"2Gi\""]
    );
    // An instance type that is not in pluto's table.
    let mut unset = seed();
    unset["kubernetes"]["max-pods"] = Value::Null;
    let (_container, rocket) = host(&unset);
    assert_eq!(reserved(&rocket), ["cpu: \"70m\"", "ephemeral-storage: \"1Gi\""]);
    assert!(rocket.rendered(CONFIG).unwrap().contains("\nmaxPods: 110\n"));
}

#[test]
fn a_missing_setting_prevents_rendering_of_every_file() {
    let mut without = seed();
    without["kubernetes"]["node-ip"] = Value::Null;
    let (_container, host) = host(&without);
    assert_eq!(commit(&host, &json!({ "max-pods": 20 })), 200);
    let failure = "settings.kubernetes.node-ip is not set".to_owned();
    let run = Applied { keys: Some(vec![PODS.to_owned()]), failure: Some(failure) };
    assert_eq!((host.applied(), host.kubelet_restarts()), (vec![run], 0));
    assert_eq!((host.rendered(CONFIG), host.rendered(ENV)), (None, None));
}

#[test]
fn the_log_contains_requests_with_faults() {
    let (_container, host) = host(&seed());
    let patch = r#"{"kubernetes":{"max-pods":20}}"#;
    let page = "<html>502 Bad Gateway</html>";
    host.faults().fail_next_matching("GET /tx/list", 1, Fault::Answer(502, page.to_owned()));
    let response = send(&host, "GET", "/tx/list", None);
    assert_eq!((response.status, response.body.as_str()), (502, page));
    let broken = |method: &str, target: &str| {
        Connection::open(host.socket()).send(method, target, None, None).unwrap_err()
    };
    host.faults().fail_always_matching("GET /settings", Fault::Cut(b"{\"kuber".to_vec()));
    host.faults().fail_next_matching("DELETE", 1, Fault::Drop);
    let truncated = BrokenResponse::Truncated("{\"kuber".to_owned());
    let no_response = BrokenResponse::NoStatusLine(String::new());
    assert_eq!(broken("GET", "/settings?prefix=settings.kubernetes"), truncated);
    assert_eq!(broken("GET", "/settings?prefix=settings.kubernetes"), truncated);
    assert_eq!(broken("DELETE", "/tx?tx=a"), no_response);
    host.faults().clear();
    assert_eq!(send(&host, "PATCH", "/settings?tx=a", Some(patch)).status, 204);
    // The server acts, but its response is lost.
    host.faults().fail_next_matching("POST /tx/commit_and_apply", 1, Fault::Lost);
    assert_eq!(broken("POST", "/tx/commit_and_apply?tx=a"), no_response);
    assert_eq!(
        (host.live()["kubernetes"]["max-pods"].as_u64(), host.kubelet_restarts()),
        (Some(20), 1)
    );
    assert_eq!(
        host.lines(),
        [
            "GET /tx/list",
            "GET /settings?prefix=settings.kubernetes",
            "GET /settings?prefix=settings.kubernetes",
            "DELETE /tx?tx=a",
            "PATCH /settings?tx=a",
            "POST /tx/commit_and_apply?tx=a",
        ]
    );
    assert_eq!(host.requests()[4].body, patch);
    assert!(host.wait_for("PATCH ", 1, LIMIT) && !host.wait_for("PATCH ", 2, Duration::ZERO));
}

#[test]
fn a_socket_can_refuse_connections_disappear_and_return() {
    let (_container, mut host) = host(&seed());
    let connects =
        |host: &Bottlerocket| UnixStream::connect(host.socket()).map(drop).map_err(|e| e.kind());
    host.kill();
    assert_eq!(connects(&host), Err(ErrorKind::ConnectionRefused));
    host.remove();
    assert_eq!(connects(&host), Err(ErrorKind::NotFound));
    host.revive();
    assert_eq!(commit(&host, &json!({ "max-pods": 20 })), 200);
}

#[test]
fn reading_or_changing_locked_settings_is_an_error() {
    let (_container, host) = host(&seed());
    let patch = Some(r#"{"kubernetes":{"max-pods":20}}"#);
    assert_eq!(send(&host, "PATCH", "/settings?tx=a", patch).status, 204);
    host.lock_down();
    let responses = [
        send(&host, "GET", "/?prefix=settings.motd", None),
        send(&host, "PATCH", "/settings?tx=b", patch),
        send(&host, "POST", "/tx/commit?tx=a", None),
    ];
    assert_eq!(
        responses.map(|response| (response.status, response.body)),
        [
            (500, "Data store error during get_prefix 'settings.motd' for Live: Data store integrity violation at /var/lib/bottlerocket/datastore/current/live: Live datastore missing".to_owned()),
            (500, "Data store error during Failure in setting metadata.: IO error on '/var/lib/bottlerocket/datastore/current/pending/b/settings': Required key not available (os error 126)".to_owned()),
            (422, "Tried to commit with no pending changes".to_owned()),
        ]
    );
    assert_eq!(send(&host, "GET", "/os", None).status, 200);
}

/// In the source of apiserver, a key that has other keys below it is a directory.
#[test]
fn a_partial_key_is_an_error() {
    let (_container, host) = host(&seed());
    let response = send(&host, "GET", "/settings?keys=settings.kubernetes", None);
    assert_eq!(
        (response.status, response.body.as_str()),
        (
            500,
            "Data store error during get_key: Reading key 'settings.kubernetes' failed: Is a directory (os error 21)"
        )
    );
}

#[test]
fn the_image_has_the_files_that_eni_bootstrap_reads() {
    let (container, host) = host(&seed());
    let table = host.rendered("usr/share/eks/eni-max-pods").unwrap();
    assert!(table.contains("\nm5.large 29\n"), "{table}");
    let release = std::fs::read_to_string(container.path().join("etc/bottlerocket-release"));
    assert_eq!(host.rendered("etc/os-release"), release.ok());
    assert_eq!(
        host.rendered(ENV).unwrap(),
        "NODE_IP=192.0.2.10\nNODE_LABELS=\nNODE_TAINTS=\nPOD_INFRA_CONTAINER_IMAGE=localhost/kubernetes/pause:0.1.0\n"
    );
}

#[test]
fn the_client_gets_the_response_of_a_server_that_neither_reads_on_nor_closes() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let (sender, response) = mpsc::channel();
    std::thread::spawn(move || {
        let body = "x".repeat(3 << 20);
        let response = Connection::open(&socket).send("PATCH", "/settings", JSON, Some(&body));
        sender.send(response).unwrap();
    });
    let (mut connection, _) = listener.accept().unwrap();
    let mut first = [0; 5];
    connection.read_exact(&mut first).unwrap();
    connection.write_all(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno").unwrap();
    // The connection stays open until the client has the response.
    let response = response.recv_timeout(LIMIT).expect("a response").unwrap();
    assert_eq!((response.status, response.body.as_str()), (413, "no"));
}
