//! The real API server behaves as the tests that use it expect.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::real_parts::cluster::token_webhook::{NODE, is_good};
use crate::support::real_parts::{Cluster, Request, Who, aws_get_token, cluster};

const ENI_CONFIGS: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs";
const DAEMON_SETS: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets";

fn eni_config() -> String {
    format!("{ENI_CONFIGS}/us-west-2a")
}

fn grant(cluster: &Cluster) {
    cluster.apply_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rbac.yaml"));
}

/// Returns the token in the node's kubeconfig, which belongs to the cluster of its user data.
fn node(cluster: &Cluster) -> String {
    let config: Value = serde_json::from_str(&cluster.kubeconfig(Who::Node)).unwrap();
    let user_data: Value = serde_saphyr::from_str(&cluster.node_config()).unwrap();
    let (here, there) = (&config["clusters"][0]["cluster"], &user_data["spec"]["cluster"]);
    assert_eq!(there["name"], "real");
    assert_eq!(there["apiServerEndpoint"], here["server"]);
    assert_eq!(there["certificateAuthority"], here["certificate-authority-data"]);
    config["users"][0]["user"]["token"].as_str().unwrap().to_owned()
}

fn rejected(code: u16, message: impl Into<String>) -> Result<Value, (u16, String)> {
    Err((code, message.into()))
}

#[test]
fn a_node_reads_only_what_rbac_grants() {
    let Some(cluster) = cluster() else { return };
    let token = node(&cluster);
    let get = |path: &str| cluster.get(&token, path);
    let cannot_get = |name: &str, resource: &str, group: &str, scope: &str| {
        let kind = if group.is_empty() { resource } else { &format!("{resource}.{group}") };
        let may_not = format!("User {NODE:?} cannot get resource {resource:?} in API group");
        rejected(403, format!("{kind} {name:?} is forbidden: {may_not} {group:?} {scope}"))
    };
    let group = "crd.k8s.amazonaws.com";
    let forbidden = cannot_get("us-west-2a", "eniconfigs", group, "at the cluster scope");
    assert_eq!(get(&eni_config()), forbidden);
    assert_eq!(cluster.get("bad-token", &eni_config()), rejected(401, "Unauthorized"));
    grant(&cluster);
    assert_eq!(get(&eni_config()), rejected(404, "404 page not found"));
    let env = json!([{ "name": "ENABLE_PREFIX_DELEGATION", "value": "true" }]);
    cluster.install_cni(env.clone());
    let absent = rejected(404, "eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" not found");
    assert_eq!(get(&eni_config()), absent);
    cluster.eni_config("us-west-2a", json!({ "subnet": "subnet-0a" }));
    assert_eq!(get(&eni_config()).unwrap()["spec"], json!({ "subnet": "subnet-0a" }));
    cluster.delete(&eni_config());
    assert_eq!(get(&eni_config()), absent);

    let pod = &get(&format!("{DAEMON_SETS}/aws-node")).unwrap()["spec"]["template"]["spec"];
    assert_eq!(pod["initContainers"][0]["name"], "aws-vpc-cni-init");
    assert_eq!(pod["containers"][0]["name"], "aws-node");
    assert_eq!(pod["containers"][0]["env"], env);
    assert_eq!(pod["containers"][1]["name"], "aws-eks-nodeagent");
    let namespace = "in the namespace \"kube-system\"";
    let other = cannot_get("kube-proxy", "daemonsets", "apps", namespace);
    assert_eq!(get(&format!("{DAEMON_SETS}/kube-proxy")), other);
    // Messages of the node authorizer: a node may read these objects once one of its pods refers to
    // them.
    let unrelated = format!(
        "{namespace}: no relationship found between node '{}' and this object",
        NODE.trim_start_matches("system:node:")
    );
    for (name, resource) in [("aws-auth", "configmaps"), ("token", "secrets")] {
        let path = format!("/api/v1/namespaces/kube-system/{resource}/{name}");
        assert_eq!(get(&path), cannot_get(name, resource, "", &unrelated));
    }
}

#[test]
fn the_api_server_keeps_its_objects_over_a_restart_and_logs_requests() {
    let Some(mut cluster) = cluster() else { return };
    let token = node(&cluster);
    grant(&cluster);
    cluster.install_cni(json!([]));
    cluster.eni_config("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let before = cluster.get(&token, &eni_config()).unwrap();
    assert_eq!(before["spec"], json!({ "subnet": "subnet-0a" }));
    let watch = format!("{ENI_CONFIGS}?watch=true&timeoutSeconds=5");
    thread::scope(|scope| {
        let watching = scope.spawn(|| cluster.get(&token, &watch));
        assert!(cluster.wait_for("watch", 1, Duration::from_mins(5)));
        assert!(!watching.is_finished(), "it is logged when it begins");
        let event = watching.join().unwrap().unwrap();
        assert_eq!(event["type"], "ADDED");
    });
    cluster.kill();
    assert_eq!(cluster.get(&token, &eni_config()).unwrap_err().0, 0);
    cluster.restart();
    let after = cluster.get(&token, &eni_config());
    assert_eq!(after, Ok(before));
    assert!(cluster.wait_for("get", 2, Duration::from_mins(5)));
    let request =
        |verb: &str, uri: String| Request { verb: verb.into(), uri, user: NODE.into(), code: 200 };
    let get = || request("get", eni_config());
    assert_eq!(cluster.requests(), [get(), request("watch", watch), get()]);
    assert!(!cluster.wait_for("get", 3, Duration::ZERO));

    let address = cluster.url().replace("https://", "");
    drop(TcpStream::connect(&address).unwrap());
    drop(cluster);
    assert_eq!(TcpStream::connect(&address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// Returns the URL in a token of the AWS CLI.
fn presigned(signed: SystemTime) -> String {
    let date = humantime::format_rfc3339_seconds(signed).to_string().replace(['-', ':'], "");
    format!(
        "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
         &X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Fus-west-2%2Fsts%2Faws4_request\
         &X-Amz-Date={date}&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
         &X-Amz-Signature=0a"
    )
}

fn token(url: &str) -> String {
    format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url))
}

#[test]
fn the_api_server_accepts_a_role_while_it_is_mapped() {
    let Some(cluster) = cluster() else { return };
    grant(&cluster);
    cluster.install_cni(json!([]));
    let code = |token: &str| cluster.get(token, &eni_config()).unwrap_err().0;
    let now = SystemTime::now();
    let old = token(&presigned(now - Duration::from_mins(16)));
    assert_eq!(code(&old), 401);
    let [first, second] = [60, 0].map(|ago| token(&presigned(now - Duration::from_secs(ago))));
    cluster.set_mapped(false);
    assert_eq!(code(&first), 401);
    cluster.set_mapped(true);
    assert_eq!(code(&first), 404);
    cluster.forget_tokens();
    assert_eq!(code(&first), 401);
    assert_eq!(code(&second), 404);
    assert_eq!(cluster.tokens(), [first, second]);
    let codes: Vec<u64> = cluster.requests().iter().map(|request| request.code).collect();
    assert_eq!(codes, [404, 404], "one that is nobody's is not in the log");
}

#[test]
fn only_tokens_like_the_aws_clis_are_accepted() {
    let now = SystemTime::now();
    let url = presigned(now);
    assert!(is_good(&token(&url), now));
    assert!(is_good(&token(&url), now + Duration::from_mins(14)));
    assert!(!is_good(&token(&url), now + Duration::from_mins(15) + Duration::from_secs(1)));
    assert!(!is_good(&url, now));
    assert!(!is_good(&format!("{}=", token(&url)), now));
    for (right, wrong) in [
        ("https:", "http:"),
        ("https://sts.", "https://sts-example."),
        ("com/?", "com/path?"),
        ("=GetCallerIdentity", "=GetSessionToken"),
        ("%3Bx-k8s-aws-id", ""),
        ("Expires=60", "Expires=901"),
        ("X-Amz-Date=", "X-Amz-Date=X"),
        ("&X-Amz-Expires", "&Other=1&X-Amz-Expires"),
        ("&X-Amz-Expires", "&Version=1&X-Amz-Expires"),
    ] {
        assert!(url.contains(right), "{right}");
        assert!(!is_good(&token(&url.replace(right, wrong)), now), "{wrong}");
    }

    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "SECRETEXAMPLE"),
        ("AWS_SESSION_TOKEN", "token/with+odd=letters=="),
    ];
    let arguments = ["--cluster-name", "real", "--region", "us-gov-west-1"];
    let instant = humantime::format_rfc3339_seconds(now).to_string();
    let Some(credential) = aws_get_token(&instant, &arguments, &keys) else { return };
    assert!(is_good(credential["status"]["token"].as_str().unwrap(), now));
}
