//! An API server that returns recorded responses.

use super::credentials::PluginUser;
use super::kubeconfig::exec_plugin_of;
use super::response_limit::LimitResponses;
use super::{ApiServer, PluginError, RetryAfter};
use crate::adapter::Context;
use crate::adapter::replay::Responses;
use http::{Request, Response};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use secrecy::ExposeSecret as _;

impl ApiServer {
    /// Returns a client that gets `responses`.
    pub(crate) fn replay(responses: Responses) -> Self {
        let service = tower::service_fn(move |request: Request<Body>| {
            let (status, body) = responses.get(&request.uri().to_string());
            let response = Response::builder().status(status).body(body);
            std::future::ready(response)
        });
        let client = Client::new(LimitResponses(service), "default");
        Self::with_client(client)
    }

    /// Returns the token in the output of the exec plugin of a kubeconfig. Creates a client with it.
    pub(crate) async fn replay_plugin(
        kubeconfig: &str,
        output: &[u8],
    ) -> Result<Option<String>, PluginError> {
        let kubeconfig = Kubeconfig::from_yaml(kubeconfig).map_err(|_| PluginError::Invalid)?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|_| PluginError::Invalid)?;
        let plugin = exec_plugin_of(&mut config).ok().flatten().ok_or(PluginError::Invalid)?;
        let credential = plugin.parse(output)?;
        let token = credential.token.as_ref().map(|it| it.expose_secret().to_owned());
        let context = Context::default();
        let user = PluginUser::new(plugin, config, &context, &RetryAfter::default());
        user.client_with(credential)?;
        Ok(token)
    }
}
