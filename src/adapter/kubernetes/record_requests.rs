//! Records the requests to the API server.

use crate::adapter::recorder::Recorder;
use eni_core::run_result::Service as RequestService;
use http::{Request, Response};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;

/// An HTTP client that records the requests of `inner`: the method and the path, without the query.
#[derive(Clone, Debug)]
pub(super) struct RecordRequests<S> {
    pub inner: S,
    pub recorder: Recorder,
}

impl<S, A, B> Service<Request<A>> for RecordRequests<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let operation = || format!("{} {}", request.method(), request.uri().path());
        let timer = self.recorder.request(RequestService::Kubernetes, operation);
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await?;
            timer.responded(response.status().as_u16());
            Ok(response)
        })
    }
}
