//! A simulated EKS, STS and IAM API with one cluster and one role.
//!
//! Sources: <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html>,
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use crate::faults::Faults;
use crate::server::{Body, Request, Server, answer};
use crate::tls::{self, Certificate};
use futures::FutureExt as _;
use http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio_rustls::rustls::ServerConfig;

/// The cluster and the credentials of a role that the API returns.
struct State {
    cluster: Value,
    credentials: [String; 3],
    requests: Vec<String>,
}

/// A running EKS and STS API.
pub struct AwsApi {
    server: Server,
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl std::fmt::Debug for AwsApi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AwsApi").field("addr", &self.addr()).finish_non_exhaustive()
    }
}

impl AwsApi {
    /// Starts the API on a free loopback port, without a cluster. STS returns `credentials`: the access key
    /// id, the secret access key and the session token.
    #[must_use]
    pub fn start(credentials: [String; 3]) -> Self {
        Self::start_with(credentials, None)
    }

    /// Starts the API with this certificate for loopback. Returns the PEM of the authority as well.
    #[must_use]
    pub fn start_tls(credentials: [String; 3], certificate: Certificate) -> (Self, String) {
        let (tls, authority) = tls::server_config(&[], certificate);
        (Self::start_with(credentials, Some(tls)), authority)
    }

    fn start_with(credentials: [String; 3], tls: Option<Arc<ServerConfig>>) -> Self {
        let state = State { cluster: Value::Null, credentials, requests: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let handler = move |request: Request| {
            let response = shared.lock().unwrap().respond(&request);
            async move { response }.boxed()
        };
        let faults = Faults::default();
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(addr, tls, faults.clone(), Arc::new(handler));
        Self { server: server.expect("a free port"), state, faults }
    }

    /// Sets the cluster: its name, its endpoint and its certificate authority in base64.
    pub fn set_cluster(&self, name: &str, endpoint: &str, authority: &str) {
        self.state.lock().unwrap().cluster = json!({
            "name": name,
            "status": "ACTIVE",
            "endpoint": endpoint,
            "certificateAuthority": { "data": authority },
            "resourcesVpcConfig": { "subnetIds": [], "vpcId": "vpc-0123456789abcdef0" },
        });
    }

    /// Sets the subnets and the cluster security group of the cluster.
    pub fn set_subnets(&self, subnets: &[String], security_group: &str) {
        let config = &mut self.state.lock().unwrap().cluster["resourcesVpcConfig"];
        config["subnetIds"] = json!(subnets);
        config["clusterSecurityGroupId"] = json!(security_group);
    }

    /// Returns the request lines so far, such as `GET /clusters/prod`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Returns the address on which the API listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Returns the faults of this server.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl State {
    fn respond(&mut self, request: &Request) -> Response<Body> {
        self.requests.push(request.line());
        let name = self.cluster["name"].as_str().unwrap_or_default();
        match (request.method.as_str(), request.path.strip_prefix("/clusters/")) {
            ("GET", Some(path)) if path == name => {
                let body = json!({ "cluster": self.cluster });
                answer(200, "application/json", body.to_string())
            }
            ("GET", Some(path)) if path == format!("{name}/pod-identity-associations") => {
                let body = json!({ "associations": [] });
                answer(200, "application/json", body.to_string())
            }
            ("GET", Some(path)) => {
                let body = json!({ "message": format!("No cluster found for name: {path}.") });
                let mut response = answer(404, "application/json", body.to_string());
                let kind = http::HeaderValue::from_static("ResourceNotFoundException");
                response.headers_mut().insert("x-amzn-errortype", kind);
                response
            }
            _ => {
                let form: BTreeMap<String, String> =
                    form_urlencoded::parse(&request.body).into_owned().collect();
                match form.get("Action").map_or("", String::as_str) {
                    "SimulatePrincipalPolicy" => simulate(&form),
                    action => self.assume_role(action),
                }
            }
        }
    }

    fn assume_role(&self, action: &str) -> Response<Body> {
        let [id, secret, token] = &self.credentials;
        let body = format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>"
        );
        answer(200, "text/xml", body)
    }
}

/// Returns that the policies of the role allow every action.
fn simulate(form: &BTreeMap<String, String>) -> Response<Body> {
    let actions = form.iter().filter(|(key, _)| key.starts_with("ActionNames.member."));
    let mut results = String::new();
    for (_, action) in actions {
        let _ = write!(
            results,
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>allowed</EvalDecision></member>"
        );
    }
    let body = format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    );
    answer(200, "text/xml", body)
}
