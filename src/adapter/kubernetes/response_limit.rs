//! Size limits for the responses of the API server.

use crate::adapter::body_limit::{BodyLimit, LimitedBody};
use http::{Request, Response, Uri};
use hyper::body::Body;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The limit of one response: an object, a list or an error. The memory for it is up to 150 times its size, and
/// the unit has `MemoryMax=256M`. A Node or a DaemonSet has less than 100 kB, and an ENIConfig less than 2 kB.
pub(super) const BODY: BodyLimit = BodyLimit::Whole(1 << 20);
/// The limit of the list of this node's pods, of which there are several hundred at most.
const PODS: BodyLimit = BodyLimit::Whole(16 << 20);
/// The path of the list of pods.
const PODS_PATH: &str = "/api/v1/pods";
/// The limit of one line of a watch, which contains one ENIConfig.
pub(super) const WATCH_LINE: BodyLimit = BodyLimit::Line(1 << 20);

/// An HTTP client that limits the responses of `inner`.
#[derive(Clone, Debug)]
pub(super) struct LimitResponses<S>(pub S);

impl<S, A, B> tower::Service<Request<A>> for LimitResponses<S>
where
    S: tower::Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Body,
{
    type Response = Response<LimitedBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let limit = limit(request.uri());
        let response = self.0.call(request);
        Box::pin(async move {
            let response = response.await?;
            // The client reads an error response as a whole.
            let limit = if response.status().is_success() { limit } else { BODY };
            Ok(response.map(|body| LimitedBody::new(body, limit)))
        })
    }
}

/// Returns the limit of a successful response to a request for `uri`.
fn limit(uri: &Uri) -> BodyLimit {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    if pairs.any(|pair| pair == "watch=true") {
        WATCH_LINE
    } else if uri.path() == PODS_PATH {
        PODS
    } else {
        BODY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pods_of_a_dense_node_have_a_larger_limit_than_one_object() {
        let limit = |uri: &'static str| limit(&Uri::from_static(uri));
        assert_eq!(
            limit("/api/v1/pods?fieldSelector=spec.nodeName%3Da"),
            BodyLimit::Whole(16 << 20)
        );
        assert_eq!(limit("/api/v1/nodes/a"), BodyLimit::Whole(1 << 20));
        assert_eq!(limit("/apis/a/v1/eniconfigs?watch=true&a=b"), BodyLimit::Line(1 << 20));
    }
}
