//! The clients of an API server: with fixed credentials, with tokens of the node, or with the credentials
//! of an exec plugin.

use super::KubernetesError;
use super::exec_plugin::{Credential, ExecPlugin, PluginError};
use super::kube_client::{Identity, client};
use super::retry_after::RetryAfter;
use crate::adapter::Context;
use crate::adapter::shared_attempt::SharedAttempt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::{Client, Config};
use secrecy::ExposeSecret as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// The credentials of an exec plugin are replaced this long before they expire.
const MARGIN: Duration = Duration::from_mins(1);

/// The source of the client for the next request.
#[derive(Clone)]
pub(super) enum Credentials {
    /// The user of a kubeconfig, without an exec plugin.
    Kubeconfig(Client),
    /// The node.
    Node(Client, Identity),
    /// The user of a kubeconfig with an exec plugin.
    Plugin(Arc<PluginUser>),
}

impl Credentials {
    /// Returns a client for the next request. Runs the exec plugin if there is no valid credential.
    pub(super) async fn client(&self) -> Result<Client, KubernetesError> {
        match self {
            Self::Kubeconfig(client) | Self::Node(client, _) => Ok(client.clone()),
            Self::Plugin(user) => user.clone().client().await.map_err(KubernetesError::Plugin),
        }
    }

    /// Discards the credentials after a 401. The next request gets new ones.
    pub(super) fn forget(&self) {
        match self {
            Self::Kubeconfig(_) => {}
            Self::Node(_, identity) => identity.forget(),
            Self::Plugin(user) => *user.current() = None,
        }
    }
}

/// A user whose credentials come from an exec plugin.
pub(super) struct PluginUser {
    plugin: ExecPlugin,
    /// The configuration without credentials.
    config: Config,
    context: Context,
    retry_after: RetryAfter,
    /// The client with the current credentials, and when they expire.
    current: Mutex<Option<(Client, Option<SystemTime>)>>,
    attempt: SharedAttempt<Result<Client, PluginError>>,
}

impl PluginUser {
    /// Returns the user of `config`, whose exec plugin is `plugin`. Does not run the plugin.
    pub(super) fn new(
        plugin: ExecPlugin,
        config: Config,
        context: &Context,
        retry_after: &RetryAfter,
    ) -> Self {
        let (context, retry_after) = (context.clone(), retry_after.clone());
        let (current, attempt) = (Mutex::default(), SharedAttempt::default());
        Self { plugin, config, context, retry_after, current, attempt }
    }

    fn current(&self) -> MutexGuard<'_, Option<(Client, Option<SystemTime>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn client(self: Arc<Self>) -> Result<Client, PluginError> {
        let current = self.current().clone();
        match current {
            Some((client, expires))
                if expires.is_none_or(|expires| SystemTime::now() + MARGIN < expires) =>
            {
                Ok(client)
            }
            _ => self.attempt.run(|| self.clone().new_client()).await,
        }
    }

    async fn new_client(self: Arc<Self>) -> Result<Client, PluginError> {
        *self.current() = None;
        let credential = self.plugin.credential().await?;
        let expires = credential.expires();
        let client = self.client_with(credential)?;
        *self.current() = Some((client.clone(), expires));
        Ok(client)
    }

    /// Returns a client with the credential.
    pub(super) fn client_with(&self, credential: Credential) -> Result<Client, PluginError> {
        let mut config = self.config.clone();
        let Credential { token, client_certificate_data, client_key_data, .. } = credential;
        if let (Some(certificate), Some(key)) = (client_certificate_data, client_key_data) {
            config.auth_info.client_certificate_data = Some(STANDARD.encode(certificate));
            config.auth_info.client_key_data = Some(STANDARD.encode(key.expose_secret()).into());
        }
        if token.is_some() {
            config.auth_info.token = token;
        }
        // The source is omitted: it may quote the credential.
        let invalid = |_| PluginError::InvalidCredential { command: self.plugin.name() };
        client(&config, &self.context, None, &self.retry_after, None).map_err(invalid)
    }
}
