//! The difference between the plan and what the node will execute.

use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// The difference between the plan and what a unit or a snap will execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitMismatch {
    /// The name of the unit or of the snap.
    pub subject: &'static str,
    pub difference: Difference,
    /// The command that tries again.
    pub retry: &'static str,
}

/// What differs from the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A planned argument has another value, or is missing.
    Argument {
        planned: String,
        effective: Option<String>,
        /// The file because of which the planned argument is not in effect.
        location: PathBuf,
    },
    /// A configuration file of the kubelet has another value than planned.
    Configuration {
        /// Such as `maxPods: 20`.
        planned: String,
        effective: Option<String>,
        /// The file that sets or removes the value.
        file: PathBuf,
    },
    /// The unit starts another program than the kubelet, or one without the argument that makes it read
    /// the configuration of eni-bootstrap.
    Program {
        /// Without its arguments, which may contain secrets.
        program: String,
        /// A part of the missing argument; `None` if the program must be the kubelet.
        argument: Option<&'static str>,
        location: PathBuf,
    },
    /// A script that starts the kubelet ignores its arguments.
    Script { script: PathBuf },
    /// The option of a snap differs from the configured value.
    SnapOption { key: &'static str, planned: String, effective: String },
}

impl fmt::Display for UnitMismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject;
        match &self.difference {
            Difference::Argument { planned, effective: Some(effective), location } => write!(
                formatter,
                "{subject} starts the kubelet with {effective} instead of {planned}, because of {}",
                location.display()
            ),
            Difference::Argument { planned, effective: None, location } => write!(
                formatter,
                "{subject} starts the kubelet without {planned}, because of {}",
                location.display()
            ),
            Difference::Configuration { planned, effective: Some(effective), file } => write!(
                formatter,
                "{subject} starts the kubelet with {effective} instead of {planned}, because of {}",
                file.display()
            ),
            Difference::Configuration { planned, effective: None, file } => write!(
                formatter,
                "{subject} starts the kubelet without {planned}, because of {}",
                file.display()
            ),
            Difference::Program { program, argument: None, location } => write!(
                formatter,
                "{subject} runs {program}, which does not pass the planned arguments to the kubelet, because of {}",
                location.display()
            ),
            Difference::Program { program, argument: Some(argument), location } => write!(
                formatter,
                "{subject} runs {program} without {argument}, because of {}",
                location.display()
            ),
            Difference::Script { script } => write!(
                formatter,
                "{subject} runs {}, a script that does not pass its arguments to the kubelet",
                script.display()
            ),
            Difference::SnapOption { key, planned, effective } => write!(
                formatter,
                "the option {key} of snap {subject} is {effective:?} instead of {planned:?}"
            ),
        }
    }
}

impl std::error::Error for UnitMismatch {}

impl Advice for UnitMismatch {
    fn help(&self) -> Cow<'static, str> {
        let Self { subject, retry, .. } = self;
        match &self.difference {
            Difference::Argument { location, .. } | Difference::Program { location, .. } => {
                format!(
                    "run `systemctl cat {subject}`, correct {}, then run `{retry}`",
                    location.display()
                )
            }
            Difference::Configuration { file, .. } => {
                format!("correct or remove {}, then run `{retry}`", file.display())
            }
            Difference::Script { script } => format!(
                "add `\"$@\"` to the kubelet command in {}, then run `{retry}`",
                script.display()
            ),
            Difference::SnapOption { .. } => format!(
                "run `snap changes` to see which program changes the option, then run `{retry}`"
            ),
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}
