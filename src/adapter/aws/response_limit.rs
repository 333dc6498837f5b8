//! A size limit for the responses of AWS APIs.

use crate::adapter::body_limit::{BodyLimit, LimitedBody};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

/// The limit of one response. A page of 100 instance types is about 300 kB.
const LIMIT: BodyLimit = BodyLimit::Whole(16 << 20);

/// A connector that limits the responses of the wrapped one.
#[derive(Clone, Debug)]
pub(super) struct LimitResponses<C>(pub C);

impl<C: HttpConnector> HttpConnector for LimitResponses<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let limited = |body| SdkBody::from_body_1_x(LimitedBody::new(body, LIMIT));
            Ok(response.await?.map(limited))
        })
    }
}
