//! What a row of the table is made of.

use eni_bootstrap_sandbox::{Applied, Applier, Bottlerocket};

/// A row: requests in turn, each with its answer, in one transaction that is deleted after them.
pub struct Row {
    pub name: &'static str,
    pub needs: Needs,
    pub steps: Vec<Step>,
    /// What the host looks like afterwards: to be seen on the stand-in alone.
    pub leaves: Host,
}

/// What the applier has made of a host that was booted with 29 pods.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// The keys of each run of the applier.
    pub applied: Vec<String>,
    pub restarts: Vec<&'static str>,
    /// As they are rendered.
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
            value.unwrap_or("no such line").to_owned()
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

/// What a row needs. A real API that has it not is not asked, and that is said.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    Nothing,
    /// A live label `k8s.amazonaws.com/eniConfig`: a row cannot take one away that it has made.
    Label,
    /// That nobody has anything pending in the transaction `default`.
    EmptyDefault,
    /// An applier in this state. On a real host it would restart the kubelet.
    Applier(Applier),
}

/// A request and its answer. In texts, `{tx}` is the row's transaction, `{live}` the live max-pods
/// and `{other}` one more, `{label}` the live label's value.
pub struct Step {
    pub method: &'static str,
    pub target: String,
    pub kind: Option<&'static str>,
    pub body: Option<String>,
    pub status: u16,
    pub media: Option<&'static str>,
    pub answer: Answer,
}

/// What the answer's body is. Where the table has dots or no order, neither has this.
#[derive(Clone, Debug)]
pub enum Answer {
    Empty,
    /// Nothing, and the connection is closed.
    HangsUp,
    Is(String),
    /// The beginning and the end.
    Around(&'static str, &'static str),
    /// All of these, the first at the beginning.
    Has(&'static [&'static str]),
    /// This, as JSON without blanks.
    Json(&'static str),
    /// An object with these fields.
    Fields(&'static [&'static str]),
    /// A list of these, in any order.
    Keys(&'static [&'static str]),
    /// A list with this in it, or without it.
    Lists(&'static str, bool),
}

pub const JSON: Option<&str> = Some("application/json");
pub const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

pub fn row(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Row {
    Row { name, needs: Needs::Nothing, steps: steps.into_iter().collect(), leaves: Host::default() }
}

impl Row {
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    pub fn leaves(mut self, leaves: Host) -> Self {
        self.leaves = leaves;
        self
    }
}

fn step(method: &'static str, target: &str) -> Step {
    let target = target.to_owned();
    let (status, media, answer) = (0, None, Answer::Empty);
    Step { method, target, kind: None, body: None, status, media, answer }
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

/// A change in the row's transaction.
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

    /// With this media type, or none.
    pub fn typed(mut self, kind: Option<&'static str>) -> Self {
        self.kind = kind;
        self
    }

    pub fn gives(mut self, status: u16, media: Option<&'static str>, answer: Answer) -> Self {
        (self.status, self.media, self.answer) = (status, media, answer);
        self
    }

    /// 204, and nothing more.
    pub fn done(self) -> Self {
        self.gives(204, None, Answer::Empty)
    }

    pub fn json(self, body: &'static str) -> Self {
        self.gives(200, JSON, Answer::Json(body))
    }

    pub fn keys(self, keys: &'static [&'static str]) -> Self {
        self.gives(200, JSON, Answer::Keys(keys))
    }

    /// apiserver's own refusal, which has no media type.
    pub fn refused(self, status: u16, why: &str) -> Self {
        self.gives(status, None, Answer::Is(why.to_owned()))
    }

    /// A refusal of the framework below apiserver.
    pub fn unread(self, status: u16, why: &str) -> Self {
        self.gives(status, TEXT, Answer::Is(why.to_owned()))
    }

    /// The same, of which the table has the beginning and the end.
    pub fn unread_around(self, begins: &'static str, ends: &'static str) -> Self {
        self.gives(400, TEXT, Answer::Around(begins, ends))
    }
}
