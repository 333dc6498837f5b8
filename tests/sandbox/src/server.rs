//! One HTTP/1.1 server on a thread of its own, plain or with TLS.

use crate::faults::{Fault, Faults};
use crate::serving::Serving;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// A body that may stream, and may break off.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One request, read whole.
pub(crate) struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Asked {
    /// `GET /path?query`.
    pub fn line(&self) -> String {
        let question = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{question}{}", self.method, self.path, self.query)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Answers one request.
pub(crate) type Handler = Arc<dyn Fn(Asked) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Sees each request before anything goes wrong with it.
pub(crate) type Witness = Arc<dyn Fn(&Asked) + Send + Sync>;

/// A server, and its thread while it runs.
pub(crate) struct Server {
    pub addr: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    faults: Faults,
    handler: Handler,
    running: Option<Serving>,
}

impl Server {
    /// Listens on `addr`; port 0 takes a free one.
    pub fn start(
        addr: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        faults: Faults,
        handler: Handler,
    ) -> io::Result<Self> {
        let mut server = Self { addr, tls, faults, handler, running: None };
        server.revive()?;
        Ok(server)
    }

    /// Listens again on the same address.
    pub fn revive(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let listener = StdListener::bind(self.addr)?;
        listener.set_nonblocking(true)?;
        self.addr = listener.local_addr()?;
        let (tls, faults, handler) = (self.tls.clone(), self.faults.clone(), self.handler.clone());
        self.running = Some(Serving::start(move || accept(listener, tls, faults, handler))?);
        Ok(())
    }

    /// Stops listening and closes every connection.
    pub fn kill(&mut self) {
        if let Some(serving) = self.running.take() {
            serving.end();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn accept(
    listener: StdListener,
    tls: Option<Arc<ServerConfig>>,
    faults: Faults,
    handler: Handler,
) {
    let listener = TcpListener::from_std(listener).expect("the listener was just bound");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // As Go's servers do; else an answer in two parts waits 40 ms for an acknowledgement.
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(stream, tls.clone(), faults.clone(), handler.clone()));
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    faults: Faults,
    handler: Handler,
) {
    match tls {
        None => serve(stream, faults, None, handler).await,
        Some(tls) => {
            let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
            serve(stream, faults, None, handler).await;
        }
    }
}

/// A connection to its end. How it ends is the client's business.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    faults: Faults,
    witness: Option<Witness>,
    handler: Handler,
) {
    let service =
        service_fn(move |request| one(request, faults.clone(), witness.clone(), handler.clone()));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error here closes the connection without an answer.
async fn one(
    request: Request<Incoming>,
    faults: Faults,
    witness: Option<Witness>,
    handler: Handler,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    if let Some(witness) = witness {
        witness(&asked);
    }
    match faults.strike(&asked.line()).await {
        None => Ok(handler(asked).await),
        Some(Fault::Status(status)) => Ok(answer(status, "text/plain", "")),
        Some(Fault::Answer(status, body)) => Ok(answer(status, "text/plain", body)),
        Some(Fault::Body(body)) => Ok(answer(200, "text/plain", body)),
        Some(Fault::Cut(body)) => Ok(cut(body)),
        Some(Fault::Drop) => Err(io::Error::other("closed on purpose")),
        Some(Fault::Lost) => {
            drop(handler(asked).await);
            Err(io::Error::other("done, and closed on purpose"))
        }
        Some(Fault::Hang) => std::future::pending().await,
    }
}

/// A whole answer.
pub(crate) fn answer(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(whole(body)).expect("valid")
}

/// A whole body.
pub(crate) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

/// 200, and a body that breaks off here: the connection is closed before the announced length.
fn cut(body: Vec<u8>) -> Response<Body> {
    let length = body.len() + 1;
    let frames = futures::stream::unfold(Some(body), |body| async {
        let Some(body) = body else {
            // What was written is sent while nothing more is there to write.
            tokio::task::yield_now().await;
            return Some((Err(io::Error::other("cut on purpose")), None));
        };
        Some((Ok(Frame::data(Bytes::from(body))), None))
    });
    let response = Response::builder().header("content-type", "application/json");
    let body = StreamBody::new(frames).boxed_unsync();
    response.header("content-length", length).body(body).expect("valid")
}

/// An answer whose body is still to come.
pub(crate) fn stream(body: Body) -> Response<Body> {
    Response::builder().header("content-type", "application/json").body(body).expect("valid")
}
