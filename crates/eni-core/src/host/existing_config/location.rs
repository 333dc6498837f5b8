//! Where an existing value of the kubelet's configuration is set.

use crate::host::config_directory;
use crate::host::nodeadm::{self, DROP_IN_NAME, KUBELET_DROP_INS};
use std::fmt;

/// Where an existing value is configured, the lowest precedence first. A flag takes precedence over
/// every file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigLocation {
    /// The kubelet's configuration file (`--config`), by path.
    KubeletConfig(String),
    /// A file in the kubelet's drop-in directory (`--config-dir`), by path.
    KubeletConfigDropIn(String),
    /// A file in that directory that sorts after the drop-in of eni-bootstrap, by path.
    LaterKubeletConfigDropIn(String),
    /// `kubelet.maxPodsExpression` in user data, a plain number.
    Expression,
    /// `kubelet.config` in user data.
    UserData,
    /// `kubelet.config` in another nodeadm drop-in, by file name.
    DropIn(String),
    /// A drop-in of the kubelet itself, by file name. The kubelet reads it after nodeadm's drop-in,
    /// which contains the value of eni-bootstrap.
    KubeletDropIn(String),
    /// The kubelet's command line before the flags that nodeadm adds.
    EarlyArguments,
    /// `kubelet.flags` in user data.
    UserDataFlag,
    /// `kubelet.flags` in another nodeadm drop-in, by file name.
    DropInFlag(String),
    /// The kubelet's command line: its unit, the unit's drop-ins and environment files, or its
    /// snap.
    Arguments,
    /// A file or snap option with a part of the kubelet's command line.
    ArgumentsIn(String),
    /// The kubelet's command line after the flags that nodeadm adds, which include those of
    /// eni-bootstrap.
    LateArguments,
    /// A file with a part of those later arguments.
    LateArgumentsIn(String),
    /// Bottlerocket's settings.
    Bottlerocket,
}

impl ConfigLocation {
    /// Returns whether a value at this location is read after the value of eni-bootstrap of the
    /// same kind (file or flag), so that it takes precedence.
    #[must_use]
    pub(crate) fn is_read_after_own(&self) -> bool {
        match self {
            Self::DropIn(name) | Self::DropInFlag(name) => name.as_str() > DROP_IN_NAME,
            Self::LateArguments | Self::LateArgumentsIn(_) | Self::LaterKubeletConfigDropIn(_) => {
                true
            }
            _ => false,
        }
    }

    /// Returns whether the value is a kubelet flag.
    pub(crate) fn is_flag(&self) -> bool {
        match self {
            Self::EarlyArguments
            | Self::UserDataFlag
            | Self::DropInFlag(_)
            | Self::Arguments
            | Self::ArgumentsIn(_)
            | Self::LateArguments
            | Self::LateArgumentsIn(_) => true,
            Self::KubeletConfig(_)
            | Self::KubeletConfigDropIn(_)
            | Self::LaterKubeletConfigDropIn(_)
            | Self::Expression
            | Self::UserData
            | Self::DropIn(_)
            | Self::KubeletDropIn(_)
            | Self::Bottlerocket => false,
        }
    }

    /// Returns whether only a kubelet flag overrides the value: it is a flag itself, or the kubelet
    /// reads it after every file of eni-bootstrap.
    #[must_use]
    pub(crate) fn needs_flag(&self) -> bool {
        self.is_flag() || matches!(self, Self::KubeletDropIn(_))
    }

    /// Returns why a value at this location takes precedence over that of eni-bootstrap.
    /// [`Self::is_read_after_own`] must be true.
    pub(crate) fn reason_for_precedence(&self) -> String {
        match self {
            Self::LateArguments | Self::LateArgumentsIn(_) => {
                "the kubelet reads these arguments after those of eni-bootstrap".to_owned()
            }
            Self::LaterKubeletConfigDropIn(_) => {
                format!("the kubelet reads this file after {}", config_directory::NAME)
            }
            _ => format!("nodeadm reads this file after {DROP_IN_NAME}"),
        }
    }

    /// Returns how to give eni-bootstrap's value of `what` precedence.
    /// [`Self::is_read_after_own`] must be true.
    pub(crate) fn help(&self, what: &str) -> String {
        match self {
            Self::LateArguments => format!("remove {what} from kubelet.service and its drop-ins"),
            Self::LateArgumentsIn(source) => format!("remove {what} from {source}"),
            Self::LaterKubeletConfigDropIn(_) => sorts_before(config_directory::NAME, what),
            _ => sorts_before(DROP_IN_NAME, what),
        }
    }
}

fn sorts_before(own: &str, what: &str) -> String {
    format!("rename the file so that it sorts before {own}, or remove {what} from it")
}

impl fmt::Display for ConfigLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KubeletConfig(path)
            | Self::KubeletConfigDropIn(path)
            | Self::LaterKubeletConfigDropIn(path) => formatter.write_str(path),
            Self::Expression => formatter.write_str("maxPodsExpression in user data"),
            Self::UserData => formatter.write_str("user data"),
            Self::DropIn(name) => write!(formatter, "{}/{name}", nodeadm::DIRECTORY),
            Self::KubeletDropIn(name) => write!(formatter, "{KUBELET_DROP_INS}/{name}"),
            Self::UserDataFlag => formatter.write_str("a kubelet flag in user data"),
            Self::DropInFlag(name) => {
                write!(formatter, "a kubelet flag in {}/{name}", nodeadm::DIRECTORY)
            }
            Self::EarlyArguments | Self::Arguments | Self::LateArguments => {
                formatter.write_str("the kubelet command line")
            }
            Self::ArgumentsIn(source) | Self::LateArgumentsIn(source) => {
                write!(formatter, "a kubelet flag in {source}")
            }
            Self::Bottlerocket => formatter.write_str("settings.kubernetes"),
        }
    }
}
