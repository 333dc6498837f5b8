//! Records the requests of the AWS SDK.

use crate::adapter::recorder::Recorder;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use eni_core::run_result::Service;

/// The version of the STS API in a request.
const STS_VERSION: &[u8] = b"&Version=2011-06-15";

/// A connector that records the requests of the wrapped one.
#[derive(Clone, Debug)]
pub(super) struct RecordRequests<C> {
    pub connector: C,
    pub recorder: Recorder,
    /// Whether the requests go to the instance metadata service.
    pub is_metadata: bool,
}

impl<C: HttpConnector> HttpConnector for RecordRequests<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let kind = if self.is_metadata {
            let operation = format!("{} {}", request.method(), path(request.uri()));
            Some((Service::Imds, operation))
        } else {
            kind(path(request.uri()), body)
        };
        let timer = kind.map(|(service, operation)| self.recorder.request(service, || operation));
        let response = self.connector.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            if let Some(timer) = timer {
                timer.responded(response.status().as_u16());
            }
            Ok(response)
        })
    }
}

/// Returns the service and the action of a request; `None` if another service provides credentials. The rest of a body
/// may contain a token, and the path of another service a part of its credentials.
fn kind(path: &str, body: &[u8]) -> Option<(Service, String)> {
    let Some(action) = body.strip_prefix(b"Action=") else {
        return path
            .starts_with("/clusters/")
            .then(|| (Service::Eks, "DescribeCluster".to_owned()));
    };
    let length = action.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (action, rest) = action.split_at(length);
    let service = if rest.starts_with(STS_VERSION) { Service::Sts } else { Service::Ec2 };
    Some((service, String::from_utf8_lossy(action).into_owned()))
}

/// Returns the path of a URL, without its query.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |start| rest.split_at(start).1);
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_action_of_a_request_is_recorded() {
        let kind = |path: &str, body: &str| kind(path, body.as_bytes());
        let expected = |service, action: &str| Some((service, action.to_owned()));
        assert_eq!(
            kind("/", "Action=DescribeSubnets&Version=2016-11-15&SubnetId.1=subnet-0a"),
            expected(Service::Ec2, "DescribeSubnets")
        );
        assert_eq!(
            kind("/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=hush"),
            expected(Service::Sts, "AssumeRoleWithWebIdentity")
        );
        assert_eq!(kind("/clusters/prod", ""), expected(Service::Eks, "DescribeCluster"));
        assert_eq!(kind("/v2/credentials/hush", ""), None);
    }

    #[test]
    fn a_path_has_no_host_and_no_query() {
        for (url, expected) in [
            ("http://169.254.169.254/latest/api/token", "/latest/api/token"),
            ("https://eks.us-west-2.amazonaws.com/clusters/prod?a=b", "/clusters/prod"),
            ("https://ec2.us-west-2.amazonaws.com", "/"),
            ("/clusters/prod", "/clusters/prod"),
            ("https://host/a#b", "/a"),
        ] {
            assert_eq!(path(url), expected, "{url}");
        }
    }
}
