//! Size limits for the responses of the API server.

use crate::adapter::body_limit::{BodyLimit, LimitedBody};
use http::{Request, Response};
use hyper::body::Body;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The limit of one response: an object, a list or an error. etcd limits an object to 1.5 MiB, and
/// an ENIConfig has less than 2 kB.
pub(super) const BODY: BodyLimit = BodyLimit::Whole(4 << 20);
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
        let query = request.uri().query().unwrap_or_default();
        let is_watch = query.split('&').any(|pair| pair == "watch=true");
        let is_pods = request.uri().path() == PODS_PATH;
        let response = self.0.call(request);
        Box::pin(async move {
            let response = response.await?;
            // The client reads an error response as a whole.
            let limit = match response.status().is_success() {
                true if is_watch => WATCH_LINE,
                true if is_pods => PODS,
                _ => BODY,
            };
            Ok(response.map(|body| LimitedBody::new(body, limit)))
        })
    }
}
