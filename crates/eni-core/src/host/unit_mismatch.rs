//! The difference between the plan and what the node will execute.

use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::path::PathBuf;

/// A difference between the plan and what the node will execute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitMismatch {
    /// The command has another value for a planned argument.
    #[error("{unit} starts the kubelet with {effective} instead of {planned}, because of {}", location.display())]
    Overridden { unit: &'static str, planned: String, effective: String, location: PathBuf },
    /// The command does not have a planned argument.
    #[error("{unit} starts the kubelet without {planned}, because of {}", location.display())]
    Missing { unit: &'static str, planned: String, location: PathBuf },
    /// The command starts another program, or does not read the configuration of eni-bootstrap.
    #[error("{unit} runs `{command}`, which does not use the configuration of eni-bootstrap, because of {}", location.display())]
    Program { unit: &'static str, command: String, location: PathBuf },
    /// A script that starts the kubelet ignores its arguments.
    #[error("{unit} runs {}, a script that does not pass its arguments to the kubelet", script.display())]
    Script { unit: &'static str, script: PathBuf },
    /// A snap option has another value than the one that was set.
    #[error("the option {key} of snap {snap} is {effective:?}, planned {planned:?}")]
    SnapOption { snap: &'static str, key: &'static str, planned: String, effective: String },
}

impl Advice for UnitMismatch {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Overridden { unit, location, .. }
            | Self::Missing { unit, location, .. }
            | Self::Program { unit, location, .. } => format!(
                "run `systemctl cat {unit}`, correct {}, then run `systemctl restart eni-bootstrap`",
                location.display()
            ),
            Self::Script { script, .. } => format!(
                "add `\"$@\"` to the kubelet command in {}, then run `systemctl restart eni-bootstrap`",
                script.display()
            ),
            Self::SnapOption { snap, .. } => format!(
                "run `snap changes` and `snap get {snap}` to see what changes the option, then run `systemctl restart eni-bootstrap`"
            ),
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}
