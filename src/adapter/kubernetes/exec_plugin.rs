//! The exec plugin of a kubeconfig: a command that prints the credentials of the user.
//!
//! Source: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

mod stderr_lines;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::client::AuthError;
use kube::config::ExecConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

/// The time limit of one call. The AWS CLI needs several seconds on a small instance at boot.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// The size limit of the output in bytes. A credential has a few kilobytes.
const MAX_OUTPUT: u64 = 1 << 20;

/// A failed call of an exec plugin. The messages never contain its standard output, which may contain
/// a token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginError {
    /// The kubeconfig names no command, or requires cluster information that it does not contain.
    #[error("the kubeconfig has no valid exec plugin")]
    Invalid,
    /// The command cannot be started.
    #[error("failed to start {command}")]
    NotStarted { command: String, source: Arc<io::Error> },
    /// The output of the command cannot be read.
    #[error("failed to read the output of {command}")]
    Unreadable { command: String, source: Arc<io::Error> },
    /// The command did not finish within the time limit.
    #[error("{command} did not finish within {}", humantime::format_duration(TIME_LIMIT))]
    TimedOut { command: String },
    /// The command failed.
    #[error("{command} failed ({status}){}", message(stderr))]
    Failed {
        command: String,
        status: ExitStatus,
        /// The last lines of its standard error, without credentials.
        stderr: String,
    },
    /// The command failed under the client of kube, which passes its standard error on to the terminal.
    #[error("{command} failed ({status})")]
    Exited { command: String, status: ExitStatus },
    /// The output of the command is too large.
    #[error("{command} printed more than {} MiB", MAX_OUTPUT >> 20)]
    TooMuchOutput { command: String },
    /// The output of the command is not an `ExecCredential`.
    #[error("{command} printed no valid ExecCredential")]
    InvalidOutput { command: String },
    /// The output of the command contains no credential.
    #[error("{command} printed an ExecCredential without a token or a certificate")]
    NoCredential { command: String },
    /// The token or certificate in the output of the command cannot be used.
    #[error("{command} printed an invalid token or certificate")]
    InvalidCredential { command: String },
}

impl PluginError {
    /// Returns the failure of the exec plugin `command` that made the client of kube fail; `None` if `error` has
    /// another cause. The messages of kube contain the environment and the output of the command.
    pub fn of_client(error: &(dyn StdError + 'static), command: &str) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let command = command.to_owned();
            match error.downcast_ref() {
                Some(AuthError::AuthExecRun { out, .. }) => {
                    return Some(Self::Exited { command, status: out.status });
                }
                Some(AuthError::AuthExecParse(_)) => return Some(Self::InvalidOutput { command }),
                Some(AuthError::ExecPluginFailed) => return Some(Self::NoCredential { command }),
                _ => cause = error.source(),
            }
        }
        None
    }
}

fn message(stderr: &str) -> String {
    if stderr.is_empty() { " without an error message".to_owned() } else { format!(": {stderr}") }
}

/// An `ExecCredential` as the command prints it.
#[derive(Deserialize)]
struct ExecCredential {
    #[serde(default)]
    status: Credential,
}

/// The credentials of a user.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Credential {
    /// A bearer token.
    pub token: Option<SecretString>,
    /// A client certificate in PEM.
    pub client_certificate_data: Option<String>,
    /// The key of the client certificate in PEM.
    pub client_key_data: Option<SecretString>,
    expiration_timestamp: Option<Time>,
}

impl Credential {
    /// Returns when the credentials expire; `None` if they do not.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        self.expiration_timestamp.as_ref().map(|time| time.0.into())
    }

    fn is_empty(&self) -> bool {
        let has_certificate =
            self.client_certificate_data.is_some() && self.client_key_data.is_some();
        self.token.is_none() && !has_certificate
    }

    /// Returns the secrets, which must not appear in a log line.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let key = self.client_key_data.iter().flat_map(|key| key.expose_secret().lines());
        let token = self.token.iter().map(SecretString::expose_secret);
        token.chain(key).filter(|secret| !secret.is_empty())
    }
}

/// The exec plugin of a kubeconfig's user.
pub(super) struct ExecPlugin(pub ExecConfig);

/// Omits the environment, which may contain credentials.
impl fmt::Debug for ExecPlugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ExecPlugin").field(&self.name()).finish()
    }
}

impl ExecPlugin {
    /// Returns the command without its arguments.
    pub(super) fn name(&self) -> String {
        self.0.command.clone().unwrap_or_default()
    }

    /// Runs the command and returns the credentials that it prints. Kills the command at its time limit.
    pub(super) async fn credential(&self) -> Result<Credential, PluginError> {
        let run = Box::pin(self.run());
        let late = |_| PluginError::TimedOut { command: self.name() };
        let (status, stdout, stderr) = timeout(TIME_LIMIT, run).await.map_err(late)??;
        if !status.success() {
            let credential = self.printed(&stdout).unwrap_or_default();
            let stderr = stderr_lines::last(&stderr, &credential.secrets().collect::<Vec<_>>());
            return Err(PluginError::Failed { command: self.name(), status, stderr });
        }
        self.parse(&stdout)
    }

    /// Parses the standard output of a command that has succeeded.
    pub(super) fn parse(&self, stdout: &[u8]) -> Result<Credential, PluginError> {
        let credential = self.printed(stdout)?;
        if credential.is_empty() {
            return Err(PluginError::NoCredential { command: self.name() });
        }
        Ok(credential)
    }

    /// Returns the credential in the standard output, which may be incomplete.
    fn printed(&self, stdout: &[u8]) -> Result<Credential, PluginError> {
        // The messages of the parsers quote the output.
        let invalid = || PluginError::InvalidOutput { command: self.name() };
        // The parser of YAML exists once for each type, and other functions parse a tree of values, too.
        let printed: Value = serde_saphyr::from_slice(stdout).map_err(|_| invalid())?;
        let parsed: ExecCredential = serde_json::from_value(printed).map_err(|_| invalid())?;
        Ok(parsed.status)
    }

    /// Runs the command until it exits. Returns its standard output and the end of its standard error.
    async fn run(&self) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), PluginError> {
        let name = || self.name();
        let mut child = self
            .command()?
            .spawn()
            .map_err(|error| PluginError::NotStarted { command: name(), source: error.into() })?;
        let unreadable =
            |error: io::Error| PluginError::Unreadable { command: name(), source: error.into() };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = tokio::try_join!(
            async {
                let bytes = read_at_most(stdout, MAX_OUTPUT + 1).await.map_err(unreadable)?;
                if bytes.len() as u64 > MAX_OUTPUT {
                    return Err(PluginError::TooMuchOutput { command: name() });
                }
                Ok(bytes)
            },
            async { stderr_lines::read_end(stderr).await.map_err(unreadable) }
        )?;
        Ok((child.wait().await.map_err(unreadable)?, stdout, stderr))
    }

    fn command(&self) -> Result<Command, PluginError> {
        let ExecConfig { api_version, command, args, env, provide_cluster_info, cluster, .. } =
            &self.0;
        let mut process = Command::new(command.as_ref().ok_or(PluginError::Invalid)?);
        let mut spec = json!({ "interactive": false });
        if *provide_cluster_info {
            let cluster = cluster.as_ref().ok_or(PluginError::Invalid)?;
            spec["cluster"] = serde_json::to_value(cluster).map_err(|_| PluginError::Invalid)?;
        }
        let info = json!({ "apiVersion": api_version, "kind": "ExecCredential", "spec": spec });
        let variables = env.iter().flatten().filter_map(|it| it.get("name").zip(it.get("value")));
        process
            .args(args.iter().flatten())
            .envs(variables)
            .env("KUBERNETES_EXEC_INFO", info.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(process)
    }
}

#[cfg(test)]
const _: () = {
    use crate::adapter::secret_types::implements;
    assert!(!implements!(Credential: fmt::Debug) && !implements!(Credential: fmt::Display));
    assert!(!implements!(Credential: serde::Serialize));
};

/// Reads at most `limit` bytes.
async fn read_at_most(source: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        source.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}
