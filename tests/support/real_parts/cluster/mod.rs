//! A Kubernetes API server with an etcd of its own, set up as EKS sets up the part that a node sees.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eni_bootstrap_sandbox::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::parts::part;
use super::server::{Server, free_address};
pub use audit_log::Request;
use token_webhook::{NO_LASTS, NODE, TokenWebhook};

mod audit_log;
mod objects;
pub mod token_webhook;

/// A kube-apiserver with an etcd of its own, for one test; dropping it stops both.
///
/// No controller runs: a DaemonSet makes no pods. It takes a node's token as EKS's authenticator
/// does, signature aside, and takes every such node for [`NODE`].
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

/// Whose kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// May do everything.
    Admin,
    /// The node, with a token that EKS has nothing to do with.
    Node,
}

impl Who {
    fn token(self) -> &'static str {
        match self {
            Self::Admin => "admin-token",
            Self::Node => "node-token",
        }
    }
}

/// Starts them.
pub fn cluster() -> Option<Cluster> {
    let programs = programs()?;
    let folder = tempfile::tempdir().unwrap();
    let etcd = Server::start(|at| {
        let mut command = Command::new(programs.join("etcd"));
        command.arg("--data-dir").arg(folder.path().join("etcd")).arg("--unsafe-no-fsync");
        let url = format!("http://{at}");
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
        // For other members, of which there are none: any free port will do.
        command.args(["--listen-peer-urls", &format!("http://{}:0", at.ip())]);
        command
    });
    let address = free_address();
    let identity = Identity::new(&[&address.ip().to_string()]);
    let webhook = TokenWebhook::start();
    write_files(folder.path(), &identity, &webhook);
    let command = command(&programs, folder.path(), &etcd, address);
    let authority = identity.authority;
    let mut cluster =
        Cluster { api: None, _etcd: etcd, webhook, address, authority, command, folder };
    cluster.restart();
    Some(cluster)
}

/// The folder with `etcd` and `kube-apiserver` in it.
fn programs() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own switch, not a setting")]
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|assets| !assets.is_empty());
    let Some(assets) = assets.map(PathBuf::from) else {
        return part("kubernetes", "the API server", "tests/real/install.sh kubernetes");
    };
    for name in ["etcd", "kube-apiserver"] {
        assert!(assets.join(name).exists(), "KUBEBUILDER_ASSETS has no {name}");
    }
    Some(assets)
}

/// What the API server reads.
fn write_files(folder: &Path, identity: &Identity, webhook: &TokenWebhook) {
    let write = |name: &str, text: &str| {
        File::create(folder.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    write("certificate.pem", &identity.certificate);
    write("key.pem", &identity.key);
    let (admin, node) = (Who::Admin.token(), Who::Node.token());
    write("tokens.csv", &format!("{admin},admin,,system:masters\n{node},{NODE},,system:nodes\n"));
    write("webhook.json", &kubeconfig(&json!({ "server": webhook.url() }), &json!({})));
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{ "level": "Metadata", "users": [NODE] }, { "level": "None" }],
    });
    write("audit-policy.json", &policy.to_string());
}

fn command(programs: &Path, folder: &Path, etcd: &Server, address: SocketAddr) -> Command {
    let mut command = Command::new(programs.join("kube-apiserver"));
    for (name, file) in [
        ("tls-cert-file", "certificate.pem"),
        ("tls-private-key-file", "key.pem"),
        // It must have a key for service accounts, though there are none here: the same will do.
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
        // Else it makes endpoints of its address, and a loopback address may not be one.
        ("endpoint-reconciler-type", "none".into()),
        ("authorization-mode", "Node,RBAC".into()),
        ("enable-admission-plugins", "NodeRestriction".into()),
        ("authentication-token-webhook-version", "v1".into()),
        ("authentication-token-webhook-cache-ttl", format!("{}s", NO_LASTS.as_secs())),
        // A request is in the log before its answer is out.
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
    /// Such as `https://127.3.4.5:49152`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate authority in base64, as EKS and a `NodeConfig` have it.
    pub fn ca_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.authority)
    }

    /// A `NodeConfig` that names this cluster, as user data has it.
    pub fn node_config(&self) -> String {
        format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: real\n    apiServerEndpoint: {}\n    certificateAuthority: {}\n    cidr: 10.100.0.0/16\n",
            self.url(),
            self.ca_base64()
        )
    }

    /// A kubeconfig with a static token, good for ever.
    pub fn kubeconfig(&self, who: Who) -> String {
        let cluster =
            json!({ "server": self.url(), "certificate-authority-data": self.ca_base64() });
        kubeconfig(&cluster, &json!({ "token": who.token() }))
    }

    /// Kills the API server; etcd stays.
    pub fn kill(&mut self) {
        self.api = None;
        self.webhook.cache_is_gone();
    }

    /// Starts the API server at the same address with the same certificate, killing it where it
    /// still runs. Returns when it says that it is ready.
    pub fn restart(&mut self) {
        self.kill();
        let mut api = Server::start_at(self.address, &self.command);
        // The namespace is made once it is ready, and most of what a test makes belongs there.
        api.wait_until(|| {
            let admin = Who::Admin.token();
            self.get(admin, "/readyz").is_ok()
                && self.get(admin, "/api/v1/namespaces/kube-system").is_ok()
        });
        self.api = Some(api);
    }

    /// Whether EKS knows the node's role: a token is 401 where it does not. The API server asks
    /// about a token at most every 10 s; this returns when it has forgotten what it was told.
    pub fn set_mapped(&self, mapped: bool) {
        self.webhook.set_mapped(mapped);
    }

    /// Every token shown so far has expired: it is 401 from now on, and a new one is taken. Returns
    /// when the API server has forgotten that it took them, which can be 10 s later.
    pub fn forget_tokens(&self) {
        self.webhook.forget_tokens();
    }

    /// The node's tokens that the API server asked about, each once.
    pub fn tokens(&self) -> Vec<String> {
        self.webhook.tokens()
    }
}
