//! The token that `aws eks get-token` makes, byte for byte, as a kubeconfig's exec plugin prints it.

use crate::adapter::dns::Names;
use crate::adapter::eks_token::{Token, TokenError, TokenSource};
use crate::adapter::{Endpoints, aws};
use crate::command::print;
use crate::error::Error;
use clap::Args;
use eni_core::domain::zone::Region;
use serde_json::{Value, json};
use std::time::SystemTime;

/// The versions of `ExecCredential` that a client may ask for.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
const GROUP: &str = "client.authentication.k8s.io";
/// What the AWS CLI answers with where the client does not say.
const UNASKED: &str = "v1beta1";

/// What is asked for; the flags are the AWS CLI's own.
#[derive(Debug, Args)]
pub struct Wanted {
    /// The cluster's name
    #[arg(long, value_name = "NAME", required_unless_present = "cluster_id")]
    cluster_name: Option<String>,
    /// The id of a local cluster on an Outpost, in place of its name
    #[arg(long, value_name = "ID", conflicts_with = "cluster_name")]
    cluster_id: Option<String>,
    /// The region whose STS the token is signed for
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    region: Region,
    /// A role to take on before signing
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// What kubectl tells its plugins: the version that it wants
    #[arg(long, env = "KUBERNETES_EXEC_INFO", hide = true)]
    exec_info: Option<String>,
}

/// Prints a token.
pub async fn show(endpoints: Endpoints, names: Names, wanted: Wanted) -> Result<(), Error> {
    let Wanted { cluster_name, cluster_id, region, role_arn, exec_info } = wanted;
    let config = aws::sdk_config(&endpoints, &names, &region).await.map_err(TokenError::from)?;
    let config = match role_arn {
        None => config,
        Some(role) => aws::as_role(&config, &role).await,
    };
    // Clap requires one of them.
    let cluster = cluster_name.or(cluster_id).unwrap_or_default();
    let source = TokenSource::new(&config, region, cluster).await?;
    let token = source.token(SystemTime::now()).await?;
    let version = version(exec_info.as_deref().unwrap_or_default());
    print(&format!("{:#}\n", credential(&token, version)))
}

/// The version that the client asks for, where we know it.
fn version(exec_info: &str) -> &'static str {
    let asked: Value = serde_json::from_str(exec_info).unwrap_or_default();
    let asked = asked["apiVersion"].as_str().and_then(|it| it.strip_prefix(GROUP));
    let asked = asked.and_then(|it| it.strip_prefix('/'));
    VERSIONS.into_iter().find(|version| Some(*version) == asked).unwrap_or(UNASKED)
}

fn credential(token: &Token, version: &str) -> Value {
    json!({
        "kind": "ExecCredential",
        "apiVersion": format!("{GROUP}/{version}"),
        "spec": {},
        "status": {
            "expirationTimestamp": humantime::format_rfc3339_seconds(token.expires()).to_string(),
            "token": token.secret(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_gets_the_version_that_it_asks_for() {
        for known in VERSIONS {
            let asked =
                format!("{{\"apiVersion\":\"{GROUP}/{known}\",\"kind\":\"ExecCredential\"}}");
            assert_eq!(version(&asked), known);
        }
        for other in ["", "{", "{}", "{\"apiVersion\":\"client.authentication.k8s.io/v2\"}"] {
            assert_eq!(version(other), "v1beta1", "{other}");
        }
    }
}
