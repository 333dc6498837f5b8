//! A Kubernetes API server with its own etcd, configured like an EKS cluster as far as nodes use it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eni_bootstrap_sandbox::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Server, free_address};
pub use audit_log::{Allowed, Request};
pub use fleet::{collection, service_account};
use token_webhook::{NODE, REJECTION_TTL, TokenWebhook};

mod audit_log;
mod fleet;
mod objects;
pub mod token_webhook;

/// A kube-apiserver with its own etcd, for one test. Dropping it stops both.
///
/// No controllers run, so a DaemonSet creates no pods. It accepts node tokens by the rules of the EKS
/// authenticator, without checking the signature, and authenticates every node as [`NODE`].
#[derive(Debug)]
pub struct Cluster {
    /// `None` after [`Cluster::kill`].
    api: Option<Server>,
    _etcd: Server,
    webhook: TokenWebhook,
    address: SocketAddr,
    authority: String,
    command: Command,
    folder: TempDir,
}

/// A user of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Has all permissions.
    Admin,
    /// The node, with a static token.
    Node,
    /// Another node, by its number.
    OtherNode(u32),
    /// The user [`OPERATOR`] in the group `kubectl-eni`, who runs the kubectl plugin.
    Operator,
}

/// The name of the user [`Who::Operator`].
pub const OPERATOR: &str = "operator";

impl Who {
    fn token(self) -> Cow<'static, str> {
        match self {
            Self::Admin => "admin-token".into(),
            Self::Node => "node-token".into(),
            Self::OtherNode(number) => format!("node-token-{number}").into(),
            Self::Operator => "operator-token".into(),
        }
    }
}

/// Writes the configuration files of the API server.
fn write_files(folder: &Path, identity: &Identity, webhook: &TokenWebhook, nodes: u32) {
    let write = |name: &str, text: &str| {
        File::create(folder.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    write("certificate.pem", &identity.certificate);
    write("key.pem", &identity.key);
    let (admin, node) = (Who::Admin.token(), Who::Node.token());
    let mut tokens = format!("{admin},admin,,system:masters\n{node},{NODE},,system:nodes\n");
    let _ = writeln!(tokens, "{},{OPERATOR},,kubectl-eni", Who::Operator.token());
    for number in 0..nodes {
        let token = Who::OtherNode(number).token();
        let _ = writeln!(tokens, "{token},system:node:node-{number},,system:nodes");
    }
    write("tokens.csv", &tokens);
    write("webhook.json", &kubeconfig(&json!({ "server": webhook.url() }), &json!({})));
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{ "level": "Metadata", "users": [NODE, OPERATOR] }, { "level": "None" }],
    });
    write("audit-policy.json", &policy.to_string());
}

fn command(programs: &Path, folder: &Path, etcd: &Server, address: SocketAddr) -> Command {
    let mut command = Command::new(programs.join("kube-apiserver"));
    for (name, file) in [
        ("tls-cert-file", "certificate.pem"),
        ("tls-private-key-file", "key.pem"),
        // A service account key is required, although there are no service accounts.
        ("service-account-key-file", "certificate.pem"),
        ("service-account-signing-key-file", "key.pem"),
        ("token-auth-file", "tokens.csv"),
        ("authentication-token-webhook-config-file", "webhook.json"),
        ("audit-policy-file", "audit-policy.json"),
        ("audit-log-path", "audit.log"),
    ] {
        command.arg(format!("--{name}={}", folder.join(file).display()));
    }
    for (name, value) in [
        ("etcd-servers", etcd.endpoint()),
        ("bind-address", address.ip().to_string()),
        ("secure-port", address.port().to_string()),
        ("service-account-issuer", "https://kubernetes.default.svc".into()),
        ("service-cluster-ip-range", "10.100.0.0/16".into()),
        // By default it publishes its address as an endpoint, which must not be a loopback address.
        ("endpoint-reconciler-type", "none".into()),
        ("authorization-mode", "Node,RBAC".into()),
        ("enable-admission-plugins", "NodeRestriction".into()),
        ("authentication-token-webhook-version", "v1".into()),
        ("authentication-token-webhook-cache-ttl", format!("{}s", REJECTION_TTL.as_secs())),
        // Write a request to the log before sending the response.
        ("audit-log-mode", "blocking".into()),
    ] {
        command.arg(format!("--{name}={value}"));
    }
    command
}

fn kubeconfig(cluster: &Value, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "real",
        "clusters": [{ "name": "real", "cluster": cluster }],
        "users": [{ "name": "real", "user": user }],
        "contexts": [{ "name": "real", "context": { "cluster": "real", "user": "real" } }],
    });
    format!("{config:#}\n")
}

impl Cluster {
    /// Starts an API server and its etcd from the folder that contains both programs. `nodes` is the number of
    /// further nodes with static tokens ([`Who::OtherNode`]).
    pub fn start(programs: &Path, nodes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let etcd = Server::start(|at| {
            let mut command = Command::new(programs.join("etcd"));
            command.arg("--data-dir").arg(folder.path().join("etcd")).arg("--unsafe-no-fsync");
            let url = format!("http://{at}");
            command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
            // There are no other members: any free port works.
            command.args(["--listen-peer-urls", &format!("http://{}:0", at.ip())]);
            command
        });
        let address = free_address();
        let identity = Identity::new(&[&address.ip().to_string()]);
        let webhook = TokenWebhook::start();
        write_files(folder.path(), &identity, &webhook, nodes);
        let command = command(programs, folder.path(), &etcd, address);
        let authority = identity.authority;
        let mut cluster =
            Self { api: None, _etcd: etcd, webhook, address, authority, command, folder };
        cluster.restart();
        cluster
    }

    /// Returns the URL of the API server, such as `https://127.3.4.5:49152`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the address of the API server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate authority as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the certificate authority in base64, the format of EKS and of a `NodeConfig`.
    pub fn ca_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.authority)
    }

    /// Returns user data with a `NodeConfig` for this cluster.
    pub fn node_config(&self) -> String {
        format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: real\n    apiServerEndpoint: {}\n    certificateAuthority: {}\n    cidr: 10.100.0.0/16\n",
            self.url(),
            self.ca_base64()
        )
    }

    /// Returns a kubeconfig with a static token that does not expire.
    pub fn kubeconfig(&self, who: Who) -> String {
        let cluster =
            json!({ "server": self.url(), "certificate-authority-data": self.ca_base64() });
        kubeconfig(&cluster, &json!({ "token": who.token() }))
    }

    /// Kills the API server. etcd keeps running.
    pub fn kill(&mut self) {
        self.api = None;
        self.webhook.clear_cache();
    }

    /// Restarts the API server with the same address and certificate. Returns when it is ready.
    pub fn restart(&mut self) {
        self.kill();
        let mut api = Server::start_at(self.address, &self.command);
        // The API server creates the namespace kube-system, which most tests use, after it is ready.
        api.wait_until(|| {
            let admin = &Who::Admin.token();
            self.get(admin, "/readyz").is_ok()
                && self.get(admin, "/api/v1/namespaces/kube-system").is_ok()
        });
        self.api = Some(api);
    }

    /// Sets whether the IAM role of the node is mapped to a Kubernetes user. If not, its tokens get 401.
    /// Returns when the token cache of the API server has expired, which takes up to 10 s.
    pub fn set_mapped(&self, mapped: bool) {
        self.webhook.set_mapped(mapped);
    }

    /// Maps the IAM role of the node to the Node `name`. EKS inserts the node name of the instance from EC2.
    pub fn set_node(&self, name: &str) {
        self.webhook.set_node(name);
    }

    /// Makes all tokens that were used so far invalid: they get 401, and new ones are accepted. Returns
    /// when the token cache of the API server has expired, which takes up to 10 s.
    pub fn forget_tokens(&self) {
        self.webhook.forget_tokens();
    }

    /// Returns the tokens of the node that the API server has reviewed, without duplicates.
    pub fn tokens(&self) -> Vec<String> {
        self.webhook.tokens()
    }
}
