//! The format of a fault in the case files.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A fault of one server, or a command. Exactly one of the optional kinds is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Injection {
    /// `imds`, `api`, `ec2`, `aws` (EKS and STS), `proxy` or `dns`. Empty for `shell`.
    pub on: String,
    /// A TCP fault: `down`, `black-hole`, `slow`, `trickle`, `reset`, `reset-after`, `cut-after` or
    /// `plain-http` (without TLS).
    pub tcp: Option<String>,
    /// The number of bytes before `reset-after` and `cut-after`.
    pub bytes: u32,
    /// The status of an HTTP response.
    pub http: Option<u16>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The number of times that the body is repeated.
    pub repeat: Option<usize>,
    /// Another HTTP fault: `drop`, `hang`, `lost`, `cut` or `endless`.
    pub response: Option<String>,
    /// Applies an HTTP fault only to requests whose line contains this text.
    pub matching: String,
    /// Applies an HTTP fault only to this number of requests.
    pub times: Option<usize>,
    /// The DNS fault: `silent`, `server-failure`, `refused`, `no-such-name`, `truncated`, `other-type`,
    /// `garbage`, `tcp-reset`, `tcp-cut`, `tcp-silent` or `huge`.
    pub dns: Option<String>,
    /// A fault of the settings API of Bottlerocket: `down`, `removed`, `locked-down`, `template-fails`,
    /// `renders-late`,
    /// `cannot-start`, `cannot-start-once`, `commit-fails-halfway`, `overridden` or `restarted`.
    pub bottlerocket: Option<String>,
    /// Replaces items of instance metadata. An empty text removes the item.
    pub items: BTreeMap<String, String>,
    /// A command for `sh -e` that begins the fault, with the variables of [`super::stack::Stack::variables`]
    /// and the functions of `tests/faults/functions.sh`.
    pub shell: Option<String>,
    /// A command for `sh -e` that ends the fault of `shell`.
    pub undo: Option<String>,
    /// Delays every response of the server `on`, in milliseconds.
    pub latency: u64,
    /// Begins the fault when the server `on` has received a request that contains this text.
    pub when: Option<String>,
}
