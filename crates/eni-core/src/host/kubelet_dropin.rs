//! Any image whose kubelet is a systemd unit: our arguments come last on its command line, where
//! they win over every configuration file and over earlier arguments.
//!
//! Source: kubernetes.io, "Set Kubelet parameters via a configuration file": flags win over files.

use crate::domain::kubelet::Kubelet;
use crate::host::{Change, NOTICE};

/// Every file that this host may have written.
pub(crate) const FILES: &[&str] = &[ENVIRONMENT, DROP_IN];

/// Our drop-in's file name; `90-` is read after the images' own `10-` and `30-`.
pub const DROP_IN_NAME: &str = "90-eni-bootstrap.conf";
/// The variable that carries the arguments.
pub const VARIABLE: &str = "ENI_BOOTSTRAP_KUBELET_ARGS";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/90-eni-bootstrap.conf";
/// Under `/run`, so that a boot never begins with the figure of the one before.
const ENVIRONMENT: &str = "/run/eni-bootstrap/kubelet.env";

/// The arguments in a file of their own, and a drop-in that puts them last. The arguments come
/// first: a drop-in must never point at a file that is not there yet.
#[must_use]
pub fn render(kubelet: &Kubelet, exec_start: &str) -> Vec<Change> {
    let arguments = kubelet.arguments().join(" ");
    vec![
        Change::File {
            path: ENVIRONMENT.into(),
            contents: format!("{NOTICE}{VARIABLE}={arguments}\n"),
        },
        Change::File {
            path: DROP_IN.into(),
            contents: format!(
                "{NOTICE}\
[Service]
# Absent until this boot's run has written it. A kubelet that must not start without it is kept
# back by RequiredBy= in eni-bootstrap.service, not by this line: it would brick a node whose
# package was removed.
EnvironmentFile=-{ENVIRONMENT}
# The command as the unit has it, with our arguments last, where they win.
ExecStart=
ExecStart={exec_start} ${VARIABLE}
"
            ),
        },
    ]
}
