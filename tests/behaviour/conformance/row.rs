//! A row: requests and their responses.

use eni_bootstrap_sandbox::{Applied, Applier, Bottlerocket};

/// Requests with their responses, in one transaction, which is deleted at the end.
pub struct Row {
    pub name: &'static str,
    pub needs: Needs,
    pub steps: Vec<Step>,
    /// The state of the host afterwards. Only the stand-in returns it.
    pub expected_host: Host,
}

/// The result of the applier on a host that booted with max-pods 29.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// The keys of each run of the applier.
    pub applied: Vec<String>,
    pub restarts: Vec<&'static str>,
    /// The rendered value.
    pub max_pods: String,
    pub labels: String,
}

impl Default for Host {
    fn default() -> Self {
        let labels = "k8s.amazonaws.com/eniConfig=us-west-2a".to_owned();
        Self { applied: vec![], restarts: vec![], max_pods: "29".to_owned(), labels }
    }
}

impl Host {
    pub fn of(host: &Bottlerocket) -> Self {
        let run = |run: Applied| run.keys.map_or("--all".to_owned(), |keys| keys.join(","));
        let line = |path: &str, name: &str| {
            let text = host.rendered(path).unwrap();
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            value.unwrap_or("missing").to_owned()
        };
        Self {
            applied: host.applied().into_iter().map(run).collect(),
            restarts: host.restarts(),
            max_pods: line("etc/kubernetes/kubelet/config", "maxPods: "),
            labels: line("etc/kubernetes/kubelet/env", "NODE_LABELS="),
        }
    }

    /// After one run for these keys, with one restart of the kubelet.
    pub fn applied(keys: &str) -> Self {
        let restarts = vec!["kubelet.service"];
        Self { applied: vec![keys.to_owned()], restarts, ..Self::default() }
    }
}

/// The requirement of a row. A real server that does not meet it skips the row.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    Nothing,
    /// A live label `k8s.amazonaws.com/eniConfig`: a row cannot remove a label that it set.
    Label,
    /// No changes in the transaction `default`.
    EmptyDefault,
    /// An applier in this state. On a real host it would restart the kubelet.
    Applier(Applier),
}

/// A request and its response. In texts, `{tx}` is the row's transaction, `{live}` the live max-pods
/// and `{other}` one more, `{label}` the live label's value.
pub struct Step {
    pub method: &'static str,
    pub target: String,
    pub kind: Option<&'static str>,
    pub body: Option<String>,
    pub status: u16,
    pub media: Option<&'static str>,
    pub expected_body: ExpectedBody,
}

/// The expected body of a response, as exactly as the body was measured.
#[derive(Clone, Debug)]
pub enum ExpectedBody {
    Empty,
    /// Empty, and the server closes the connection.
    ConnectionClosed,
    Is(String),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text with this beginning and this end.
    Around(&'static str, &'static str),
    /// A text with all of these, the first at the beginning.
    Has(&'static [&'static str]),
    /// This JSON, without spaces.
    Json(&'static str),
    /// An object with these fields.
    Fields(&'static [&'static str]),
    /// A list of these, in any order.
    Keys(&'static [&'static str]),
    /// A list that contains this text if the flag is true, and does not contain it otherwise.
    Lists(&'static str, bool),
}

pub const JSON: Option<&str> = Some("application/json");
pub const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

pub fn row(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Row {
    Row {
        name,
        needs: Needs::Nothing,
        steps: steps.into_iter().collect(),
        expected_host: Host::default(),
    }
}

impl Row {
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    pub fn expected_host(mut self, expected_host: Host) -> Self {
        self.expected_host = expected_host;
        self
    }
}

fn step(method: &'static str, target: &str) -> Step {
    let target = target.to_owned();
    let (status, media, expected_body) = (0, None, ExpectedBody::Empty);
    Step { method, target, kind: None, body: None, status, media, expected_body }
}

pub fn get(target: &str) -> Step {
    step("GET", target)
}

pub fn post(target: &str) -> Step {
    step("POST", target)
}

pub fn put(target: &str) -> Step {
    step("PUT", target)
}

pub fn delete(target: &str) -> Step {
    step("DELETE", target)
}

/// Returns a PATCH in the row's transaction.
pub fn patch(body: impl Into<String>) -> Step {
    patch_at("/settings?tx={tx}", body)
}

pub fn patch_at(target: &str, body: impl Into<String>) -> Step {
    step("PATCH", target).typed(JSON).with(body)
}

impl Step {
    fn with(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the request's media type.
    pub fn typed(mut self, kind: Option<&'static str>) -> Self {
        self.kind = kind;
        self
    }

    pub fn returns(
        mut self,
        status: u16,
        media: Option<&'static str>,
        expected_body: ExpectedBody,
    ) -> Self {
        (self.status, self.media, self.expected_body) = (status, media, expected_body);
        self
    }

    /// Expects status 204 without a body.
    pub fn done(self) -> Self {
        self.returns(204, None, ExpectedBody::Empty)
    }

    pub fn json(self, body: &'static str) -> Self {
        self.returns(200, JSON, ExpectedBody::Json(body))
    }

    pub fn keys(self, keys: &'static [&'static str]) -> Self {
        self.returns(200, JSON, ExpectedBody::Keys(keys))
    }

    /// Expects an error of apiserver itself. The response has no media type.
    pub fn rejected(self, status: u16, message: &str) -> Self {
        self.returns(status, None, ExpectedBody::Is(message.to_owned()))
    }

    /// Expects an error of the HTTP framework of apiserver.
    pub fn invalid(self, status: u16, message: &str) -> Self {
        self.returns(status, TEXT, ExpectedBody::Is(message.to_owned()))
    }

    /// Expects an error of the HTTP framework with this beginning and this end.
    pub fn invalid_around(self, begins: &'static str, ends: &'static str) -> Self {
        self.returns(400, TEXT, ExpectedBody::Around(begins, ends))
    }
}
