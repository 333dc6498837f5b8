//! Why no arguments can be added to the kubelet's command.

use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::path::PathBuf;

/// Why no arguments can be added to a unit's command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The unit has no command.
    #[error("kubelet.service has no ExecStart= line")]
    NoExecStart,
    /// The unit has several commands, and the kubelet's is unknown.
    #[error("kubelet.service has {0} ExecStart= commands; expected one")]
    ManyExecStarts(usize),
    /// A shell interprets the command. It does not pass further arguments to the kubelet.
    #[error("ExecStart= runs `{0} -c`, which does not pass further arguments to the kubelet")]
    Shell(String),
    /// The command contains neither the kubelet nor a script that passes its arguments on.
    #[error("ExecStart= runs {0:?}, which is not a kubelet")]
    NotKubelet(String),
    /// A script starts the kubelet without its own arguments.
    #[error("ExecStart= runs {0}, a script that does not pass its arguments to the kubelet")]
    Script(String),
    /// A backslash or an open quote at the end of the command would join it with a further argument.
    #[error("ExecStart= ends in a backslash or in an open quote, so no argument can be added")]
    OpenEnd,
    /// The command contains the variable with the arguments of eni-bootstrap in another place than at its
    /// end, or in braces.
    #[error("ExecStart= uses ${0} not only as its last argument")]
    VariableNotLast(String),
    /// A drop-in that systemd reads after the one of eni-bootstrap replaces the command.
    #[error("{} sets ExecStart= and is read after {own}", drop_in.display())]
    LaterDropIn {
        drop_in: PathBuf,
        /// The name of the drop-in of eni-bootstrap.
        own: &'static str,
    },
}

impl Advice for UnitError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::NoExecStart | Self::ManyExecStarts(_) => {
                "run `systemctl cat kubelet.service`, and correct the unit so that it has exactly one ExecStart= line".into()
            }
            Self::Shell(_) | Self::NotKubelet(_) => {
                "change ExecStart= so that it starts the kubelet without a shell, or set `host.kind = \"none\"` and pass the output of `eni-bootstrap run --output kubelet-args` to the kubelet".into()
            }
            Self::Script(script) => {
                format!("add `\"$@\"` to the kubelet command in {script}").into()
            }
            Self::OpenEnd => "remove the backslash or close the quote at the end of ExecStart=".into(),
            Self::VariableNotLast(name) => {
                format!("write ${name} once, without braces, as the last argument of ExecStart=").into()
            }
            Self::LaterDropIn { drop_in, own } => format!(
                "rename {} so that its name sorts before {own}, or add `$ENI_BOOTSTRAP_KUBELET_ARGS` to the end of its ExecStart=",
                drop_in.display()
            )
            .into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}
