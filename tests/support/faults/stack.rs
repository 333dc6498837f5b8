//! The stand-ins, the root and the secrets of one case.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use eni_bootstrap_sandbox::{
    AwsApi, Bottlerocket, Certificate, ConnectProxy, Dns, Ec2, Imds, Instance, KubernetesApi,
    Subnet,
};
use serde_json::{Value, json};

use super::case::{Case, Cluster, Credentials, Host};
use super::chroot;
use super::image::image;
use super::mounts::{API_NAME, EC2_NAME, name_server, sh, write};
use super::normal::Placeholders;
use super::real::Real;
use super::secrets::Secret;
use super::tls_servers;
use crate::support::node::Node;

/// The credentials of the role in instance metadata.
const ROLE: [&str; 3] =
    ["ASIAROLEOFTHEMATRIX1", "rOlE/sEcReT+kEy/OfTheMatrix", "rOlE+sEsSiOn/ToKeN+of/the/matrix=="];
const PROXY_PASSWORD: &str = "proxy-pAsSwOrD-of-the-matrix";
const KUBECONFIG_TOKEN: &str = "kubeconfig-tOkEn-of-the-matrix";
const PLUGIN_TOKEN: &str = "plugin-tOkEn-of-the-matrix";
const WEB_IDENTITY: &str = "web-identity-tOkEn-of-the-matrix";
/// Everything that one case runs against. All servers listen on the loopback address.
pub struct Stack {
    pub imds: Imds,
    pub api: KubernetesApi,
    pub ec2: Ec2,
    pub aws: AwsApi,
    pub proxy: ConnectProxy,
    pub dns: Option<Dns>,
    pub bottlerocket: Option<Bottlerocket>,
    pub real: Option<Real>,
    node: Node,
    /// A folder for files that are not on the node.
    home: tempfile::TempDir,
    is_named: bool,
    is_certificate_valid: bool,
}

/// The addresses to which the agent connects: those of the servers, or of TCP proxies in front of them.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub imds: SocketAddr,
    pub api: SocketAddr,
    pub ec2: SocketAddr,
    pub aws: SocketAddr,
    pub proxy: SocketAddr,
}

impl Stack {
    /// Starts the stand-ins of `case`.
    pub fn start(case: &Case, real: Option<Real>) -> Self {
        let certificate = case.api_certificate;
        let loopback = (Ipv4Addr::LOCALHOST, 0).into();
        let api = KubernetesApi::start_with(loopback, &[API_NAME], certificate).unwrap();
        if case.eni_config_after.is_none() {
            api.apply("us-west-2a", eni_config());
        }
        let mut instance = Instance::default();
        let mut ec2_subnets =
            vec![Subnet::default(), Subnet { id: "subnet-0a".to_owned(), ..Subnet::default() }];
        if let Some(real) = &real {
            (instance.vpc_id, instance.zone_id) = (real.vpc.clone(), "usw2-az2".to_owned());
            ec2_subnets.clear();
        }
        let imds = Imds::start(&instance);
        imds.set("meta-data/iam/security-credentials/node", role_credentials());
        let home = tempfile::tempdir().unwrap();
        let ec2 = tls_servers::ec2(ec2_subnets, case.ec2_certificate, home.path());
        let aws = tls_servers::aws(case.aws_certificate, home.path());
        let node = image(case.host);
        if case.chroot {
            chroot::prepare(&node);
        }
        let bottlerocket = (case.host == Host::Bottlerocket)
            .then(|| Bottlerocket::in_container(node.root(), &Bottlerocket::seed(&instance, &api)));
        let dns = case.dns.then(|| name_server(home.path()));
        let proxy = ConnectProxy::start();
        let is_named = case.dns;
        let is_aws_valid = case.aws_certificate.is_none_or(|it| it == Certificate::Valid);
        let is_certificate_valid = case.api_certificate == Certificate::Valid && is_aws_valid;
        Self {
            imds,
            api,
            ec2,
            aws,
            proxy,
            dns,
            bottlerocket,
            real,
            node,
            home,
            is_named,
            is_certificate_valid,
        }
    }

    /// Replaces servers with an invalid certificate by those with a valid certificate. Returns whether an
    /// address has changed.
    pub fn renew_certificates(&mut self, case: &Case) -> bool {
        let is_invalid = !std::mem::replace(&mut self.is_certificate_valid, true);
        if is_invalid {
            self.api = KubernetesApi::start();
            self.api.apply("us-west-2a", eni_config());
            let aws_certificate = case.aws_certificate.map(|_| Certificate::Valid);
            self.aws = tls_servers::aws(aws_certificate, self.home.path());
        }
        is_invalid
    }

    /// Returns the addresses of the servers.
    pub fn upstream(&self) -> Addresses {
        let (imds, aws, proxy) = (self.imds.addr(), self.aws.addr(), self.proxy.addr());
        match &self.real {
            None => Addresses { imds, api: self.api.addr(), ec2: self.ec2.addr(), aws, proxy },
            Some(real) => Addresses { imds, api: real.api, ec2: real.ec2, aws, proxy },
        }
    }

    /// Writes the address of the API server to the places where the agent reads it.
    pub fn publish(&mut self, case: &Case, at: Addresses) {
        let endpoint = self.api_url(at);
        let authority = self.authority();
        let in_user_data = match case.cluster {
            Cluster::Eks => String::new(),
            _ => format!(
                "    apiServerEndpoint: {endpoint}\n    certificateAuthority: {authority}\n    cidr: 10.100.0.0/16\n"
            ),
        };
        if case.host != Host::Bottlerocket {
            self.imds.set("user-data", format!("apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: sandbox\n{in_user_data}"));
        }
        self.aws.set_cluster("sandbox", &endpoint, &authority);
        let user = match case.cluster {
            Cluster::Plugin => json!({ "exec": {
                "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
                "command": self.plugin(),
            }}),
            _ => json!({ "token": KUBECONFIG_TOKEN }),
        };
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "matrix",
            "clusters": [{ "name": "matrix", "cluster": {
                "server": endpoint, "certificate-authority-data": authority,
            }}],
            "users": [{ "name": "matrix", "user": user }],
            "contexts": [{ "name": "matrix", "context": { "cluster": "matrix", "user": "matrix" } }],
        });
        self.write("kubeconfig", &kubeconfig.to_string());
        self.write("web-identity", WEB_IDENTITY);
    }

    fn api_url(&self, at: Addresses) -> String {
        if self.is_named {
            format!("https://{API_NAME}:{}", at.api.port())
        } else {
            format!("https://{}", at.api)
        }
    }

    fn authority(&self) -> String {
        self.real.as_ref().map_or_else(|| self.api.ca_base64(), |real| real.authority.clone())
    }

    /// Writes an exec plugin, and returns its path.
    fn plugin(&self) -> PathBuf {
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": { "token": PLUGIN_TOKEN },
        });
        let path = self.write("plugin", &format!("#!/bin/sh\necho '{credential}'\n"));
        sh(&format!("chmod +x {}", path.display()));
        path
    }

    /// Writes a file that is not on the node, and returns its path.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        write(self.home.path(), name, text)
    }

    pub fn root(&self) -> &Path {
        self.node.root()
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Returns the environment of the agent. The deadlines are short; the arguments of a case override
    /// them.
    pub fn variables(&self, case: &Case, at: Addresses) -> Vec<(&'static str, String)> {
        let home = |name: &str| self.home.path().join(name).display().to_string();
        let ec2 = match &self.dns {
            Some(_) => format!("http://{EC2_NAME}:{}", at.ec2.port()),
            None if case.ec2_certificate.is_some() => format!("https://{}", at.ec2),
            None => format!("http://{}", at.ec2),
        };
        let scheme = if case.aws_certificate.is_some() { "https" } else { "http" };
        let aws = format!("{scheme}://{}", at.aws);
        let mut variables = vec![
            ("ENI_BOOTSTRAP_ROOT", self.root().display().to_string()),
            ("ENI_BOOTSTRAP_IMDS_WAIT", "3s".to_owned()),
            ("ENI_BOOTSTRAP_ENI_CONFIG_WAIT", "3s".to_owned()),
            ("ENI_BOOTSTRAP_FALLBACK_WAIT", "1s".to_owned()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", at.imds)),
            ("AWS_ENDPOINT_URL_EC2", ec2),
            ("AWS_ENDPOINT_URL_EKS", aws.clone()),
            ("AWS_ENDPOINT_URL_STS", aws),
        ];
        if case.proxy {
            variables.push(("HTTPS_PROXY", format!("http://agent:{PROXY_PASSWORD}@{}", at.proxy)));
        }
        if matches!(case.cluster, Cluster::Kubeconfig | Cluster::Plugin) {
            variables.push(("ENI_BOOTSTRAP_CLUSTER_KUBECONFIG", home("kubeconfig")));
        }
        if case.credentials == Credentials::WebIdentity {
            variables.push(("AWS_WEB_IDENTITY_TOKEN_FILE", home("web-identity")));
            variables.push(("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/node".to_owned()));
        }
        variables
    }

    /// Returns the texts of an output that differ between runs.
    pub fn placeholders(&self, at: Addresses) -> Placeholders {
        let mut placeholders = Placeholders::default();
        for addresses in [at, self.upstream()] {
            placeholders.add(addresses.imds.to_string(), "IMDS");
            placeholders.add(addresses.api.to_string(), "API");
            placeholders.add(addresses.ec2.to_string(), "EC2");
            placeholders.add(addresses.aws.to_string(), "AWS");
            placeholders.add(addresses.proxy.to_string(), "PROXY");
            placeholders.add(format!(":{}", addresses.api.port()), ":PORT");
            placeholders.add(format!(":{}", addresses.ec2.port()), ":PORT");
        }
        if let Some(real) = &self.real {
            placeholders.add(&real.vpc, "VPC");
            placeholders.add(&real.subnet, "SUBNET");
            placeholders.add(&real.group, "GROUP");
        }
        placeholders.add(self.authority(), "CA");
        placeholders.add(self.root().display().to_string(), "ROOT");
        placeholders.add(self.home().display().to_string(), "HOME");
        placeholders
    }

    /// Returns every secret of this case. Call it after the run, which receives and sends some of them.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut secrets = vec![
            Secret::new("proxy password", PROXY_PASSWORD),
            Secret::new("token of the kubeconfig", KUBECONFIG_TOKEN),
            Secret::new("token of the exec plugin", PLUGIN_TOKEN),
            Secret::new("web identity token", WEB_IDENTITY),
        ];
        for [id, key, token] in [ROLE, tls_servers::STS] {
            secrets.push(Secret::new("access key id", id));
            secrets.push(Secret::new("secret access key", key));
            secrets.push(Secret::new("session token", token));
        }
        let imds = self.imds.tokens();
        secrets.extend(imds.into_iter().map(|token| Secret::new("IMDS token", token)));
        let mut bearer: Vec<String> =
            self.api.requests().into_iter().filter_map(|request| request.token).collect();
        bearer.extend(self.real.iter().flat_map(Real::tokens));
        bearer.sort();
        bearer.dedup();
        secrets.extend(bearer.into_iter().map(|token| Secret::new("bearer token", token)));
        secrets
    }
}

/// Returns the spec of the ENIConfig of the node.
pub fn eni_config() -> Value {
    json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] })
}

fn role_credentials() -> String {
    let [id, key, token] = ROLE;
    let credentials = json!({
        "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC",
        "AccessKeyId": id, "SecretAccessKey": key, "Token": token,
        "Expiration": "2099-01-01T00:00:00Z",
    });
    credentials.to_string()
}
