//! `token`: prints an `ExecCredential` with the same token as `aws eks get-token`, byte for byte.

use crate::adapter::eks_token::{Token, TokenError, TokenSource};
use crate::adapter::{Context, Deadline, aws, retry};
use crate::command::{json_text, print};
use crate::error::Error;
use clap::Args;
use eni_core::domain::zone::Region;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// The time to wait for role credentials, which a booting instance may not have yet. A kubelet that runs
/// this command as an exec plugin repeats it.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(10);

/// The API versions of `ExecCredential` that a client may request.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
const GROUP: &str = "client.authentication.k8s.io";
/// The version that the AWS CLI returns if the client requests none.
const DEFAULT_VERSION: &str = "v1beta1";

/// The flags of `token`, which are those of `aws eks get-token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Name of the cluster
    #[arg(long, value_name = "NAME", required_unless_present = "cluster_id")]
    cluster_name: Option<String>,
    /// ID of a local cluster on an Outpost; use it instead of --cluster-name
    #[arg(long, value_name = "ID", conflicts_with = "cluster_name")]
    cluster_id: Option<String>,
    /// Region of the STS endpoint that the token is signed for
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    region: Region,
    /// ARN of the IAM role to assume before signing
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// `ExecCredential` request of kubectl, which contains the API version
    #[arg(long, env = "KUBERNETES_EXEC_INFO", hide = true)]
    exec_info: Option<String>,
}

/// Prints a token as an `ExecCredential`.
pub(crate) async fn show(context: Context, arguments: TokenArgs) -> Result<(), Error> {
    let TokenArgs { cluster_name, cluster_id, region, role_arn, exec_info } = arguments;
    let config = aws::sdk_config(&context, &region).await.map_err(TokenError::from)?;
    let config = match role_arn {
        None => config,
        Some(role) => aws::as_role(&config, &role).await,
    };
    // clap requires one of them.
    let cluster = cluster_name.or(cluster_id).unwrap_or_default();
    let source = TokenSource::new(&config, region, cluster).await?;
    let deadline = Deadline::after(CREDENTIALS_TIMEOUT);
    let token = retry("token", deadline, async || source.token(SystemTime::now()).await).await?;
    let version = version(exec_info.as_deref().unwrap_or_default());
    print(&json_text(&credential(&token, version)))
}

/// Returns the API version that the client requests, or the default for an unknown one.
fn version(exec_info: &str) -> &'static str {
    let request: Value = serde_json::from_str(exec_info).unwrap_or_default();
    let requested = request["apiVersion"].as_str().and_then(|it| it.strip_prefix(GROUP));
    let requested = requested.and_then(|it| it.strip_prefix('/'));
    VERSIONS.into_iter().find(|version| Some(*version) == requested).unwrap_or(DEFAULT_VERSION)
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
    fn the_client_gets_the_version_that_it_requests() {
        for known in VERSIONS {
            let request =
                format!("{{\"apiVersion\":\"{GROUP}/{known}\",\"kind\":\"ExecCredential\"}}");
            assert_eq!(version(&request), known);
        }
        for other in ["", "{", "{}", "{\"apiVersion\":\"client.authentication.k8s.io/v2\"}"] {
            assert_eq!(version(other), "v1beta1", "{other}");
        }
    }
}
