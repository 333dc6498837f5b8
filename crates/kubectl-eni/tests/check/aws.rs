//! moto, with the operations that it does not implement in front of it: `SimulatePrincipalPolicy` of IAM, and
//! the associations of EKS Pod Identity. It records the actions of all requests.

use eni_bootstrap_real_parts::Account;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the operations return that moto does not implement.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The actions that no policy of a role allows.
    pub denied: BTreeSet<&'static str>,
    /// The error code of a simulation that fails.
    pub simulation_error: Option<&'static str>,
    /// The role of the association of EKS Pod Identity.
    pub pod_identity: Option<&'static str>,
    /// The response of `eks:DescribeCluster`; `None` for that of moto, which does not enforce IAM policies for EKS.
    pub cluster: Option<String>,
    /// The action of EKS that IAM denies.
    pub denied_by_eks: Option<String>,
    /// Whether moto answers requests for all instance types. It computes them for seconds, and on a slow machine for
    /// longer than the time limit of a request, but denies them at once.
    pub moto_lists_types: bool,
    /// The actions of the requests so far.
    pub calls: BTreeSet<String>,
}

/// An AWS endpoint for tests.
pub struct Aws {
    /// The URL.
    pub endpoint: String,
    /// What it returns from now on.
    pub answers: Arc<Mutex<Answers>>,
}

impl Aws {
    /// Starts the endpoint in front of moto at `account`.
    pub fn start(account: Account<'_>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let moto = account.endpoint.strip_prefix("http://").unwrap().to_owned();
        let answers = Arc::new(Mutex::new(Answers::default()));
        let shared = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (moto, answers) = (moto.clone(), Arc::clone(&shared));
                thread::spawn(move || serve(stream, &moto, &answers));
            }
        });
        Self { endpoint, answers }
    }
}

/// Answers one request, and closes the connection.
fn serve(stream: TcpStream, moto: &str, answers: &Mutex<Answers>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let lower = line.to_lowercase();
        if let Some(text) = lower.strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        if line == "\r\n" {
            head += "Connection: close\r\n\r\n";
            break;
        }
        if !lower.starts_with("connection: ") {
            head += &line;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let text = String::from_utf8(body).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let answer = {
        let mut answers = answers.lock().unwrap();
        answers.calls.insert(action(path, &text));
        answers.answer(path, &text)
    };
    let mut stream = reader.into_inner();
    if let Some((status, body)) = answer {
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        return;
    }
    let mut upstream = TcpStream::connect(moto).unwrap();
    upstream.write_all(head.as_bytes()).unwrap();
    upstream.write_all(text.as_bytes()).unwrap();
    if !form_of_new_type(&text) {
        let _ = std::io::copy(&mut upstream, &mut stream);
        return;
    }
    let mut response = String::new();
    let _ = upstream.read_to_string(&mut response);
    if !response.contains("not authorized") {
        let length = NEW_TYPE_RESPONSE.len();
        response = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{NEW_TYPE_RESPONSE}"
        );
    }
    let _ = stream.write_all(response.as_bytes());
}

/// An instance type that neither the embedded table nor moto contains.
pub const NEW_TYPE: &str = "zz9.large";
/// What EC2 returns for [`NEW_TYPE`].
///
/// Source: the API reference of `DescribeInstanceTypes`.
const NEW_TYPE_RESPONSE: &str = "<DescribeInstanceTypesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><instanceTypeSet><item><instanceType>zz9.large</instanceType><bareMetal>false</bareMetal><hypervisor>nitro</hypervisor><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><networkInfo><defaultNetworkCardIndex>0</defaultNetworkCardIndex><ipv4AddressesPerInterface>10</ipv4AddressesPerInterface><maximumNetworkInterfaces>3</maximumNetworkInterfaces><networkCards><item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>3</maximumNetworkInterfaces></item></networkCards></networkInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>";

fn form_of_new_type(form: &str) -> bool {
    form.starts_with("Action=DescribeInstanceTypes&") && form.contains(NEW_TYPE)
}

/// Returns the IAM action of a request, such as `ec2:DescribeSubnets`.
fn action(path: &str, form: &str) -> String {
    let name = form.split('&').find_map(|it| it.strip_prefix("Action="));
    match name {
        Some(name) if form.contains("Version=2010-05-08") => format!("iam:{name}"),
        Some(name) => format!("ec2:{name}"),
        None => match path.split_once("/pod-identity-associations") {
            None => "eks:DescribeCluster".to_owned(),
            Some((_, id)) if id.starts_with('/') => "eks:DescribePodIdentityAssociation".to_owned(),
            Some(_) => "eks:ListPodIdentityAssociations".to_owned(),
        },
    }
}

impl Answers {
    /// Returns the status and the body for a request; `None` if moto implements it.
    fn answer(&self, path: &str, form: &str) -> Option<(String, String)> {
        let ok = |body| Some(("200 OK".to_owned(), body));
        if form.starts_with("Action=SimulatePrincipalPolicy&") {
            return Some(self.simulation(form));
        }
        let action = action(path, form);
        let is_for_all = action == "ec2:DescribeInstanceTypes" && !form.contains(NEW_TYPE);
        if is_for_all && !self.moto_lists_types {
            return ok(NEW_TYPE_RESPONSE.to_owned());
        }
        if self.denied_by_eks.as_ref() == Some(&action) {
            let body = format!(
                r#"{{"__type":"AccessDeniedException","message":"User: USER is not authorized to perform: {action}"}}"#
            );
            return Some(("403 Forbidden".to_owned(), body));
        }
        if let ("eks:DescribeCluster", Some(cluster)) = (action.as_str(), &self.cluster) {
            return ok(cluster.clone());
        }
        let (_, id) = path.split_once("/pod-identity-associations")?;
        let role = self.pod_identity.unwrap_or_default();
        if id.starts_with("/a-1") {
            return ok(format!(
                r#"{{"association":{{"associationId":"a-1","roleArn":"{role}"}}}}"#
            ));
        }
        let listed = if role.is_empty() { "" } else { r#"{"associationId":"a-1"}"# };
        ok(format!(r#"{{"associations":[{listed}]}}"#))
    }

    fn simulation(&self, form: &str) -> (String, String) {
        if let Some(code) = self.simulation_error {
            let status = if code == "NoSuchEntity" { "404 Not Found" } else { "403 Forbidden" };
            return (
                status.to_owned(),
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>as in the test</Message></Error><RequestId>a</RequestId></ErrorResponse>"
                ),
            );
        }
        let fields = form.split('&').filter(|it| it.starts_with("ActionNames."));
        let actions = fields.map(|it| it.split_once('=').unwrap().1.replace("%3A", ":"));
        let result = |action: String| {
            let is_denied = self.denied.contains(action.as_str());
            let decision = if is_denied { "implicitDeny" } else { "allowed" };
            format!(
                "<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
            )
        };
        let results = actions.map(result).collect::<Vec<_>>().concat();
        (
            "200 OK".to_owned(),
            format!(
                "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
            ),
        )
    }
}
