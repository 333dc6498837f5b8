//! An HTTP/1.1 server on a separate thread, with or without TLS.

use crate::faults::{Fault, Faults};
use crate::server_thread::ServerThread;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Response, StatusCode};
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

/// A response body, which may be a stream and may end with an error.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A request with its complete body.
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    /// Returns the request line, such as `GET /path?query`.
    pub fn line(&self) -> String {
        let separator = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{separator}{}", self.method, self.path, self.query)
    }

    /// Returns a header; `None` if it is missing or not valid text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Returns the response to a request.
pub(crate) type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Receives each request before a fault applies to it.
pub(crate) type Observer = Arc<dyn Fn(&Request) + Send + Sync>;

/// A server on `addr`, running or stopped.
pub(crate) struct Server {
    pub addr: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    faults: Faults,
    handler: Handler,
    running: Option<ServerThread>,
}

impl Server {
    /// Starts a server on `addr`. Port 0 selects a free port.
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

    /// Starts a stopped server again, on the same address.
    pub fn revive(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let listener = StdListener::bind(self.addr)?;
        listener.set_nonblocking(true)?;
        self.addr = listener.local_addr()?;
        let (tls, faults, handler) = (self.tls.clone(), self.faults.clone(), self.handler.clone());
        self.running = Some(ServerThread::start(move || accept(listener, tls, faults, handler))?);
        Ok(())
    }

    /// Stops listening and closes all connections.
    pub fn kill(&mut self) {
        if let Some(thread) = self.running.take() {
            thread.stop();
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
        // As servers in Go do. Otherwise a response in two segments waits 40 ms for an acknowledgement.
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
        None => {
            faults.connected();
            serve(stream, faults, None, handler).await;
        }
        Some(tls) => {
            let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
            faults.connected();
            serve(stream, faults, None, handler).await;
        }
    }
}

/// Serves a connection until it is closed. Errors of the connection are ignored.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    faults: Faults,
    observer: Option<Observer>,
    handler: Handler,
) {
    let service = service_fn(move |request| {
        respond(request, faults.clone(), observer.clone(), handler.clone())
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Returns the response of the handler or of the next fault. An error closes the connection without a
/// response.
async fn respond(
    request: http::Request<Incoming>,
    faults: Faults,
    observer: Option<Observer>,
    handler: Handler,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    if let Some(observer) = observer {
        observer(&request);
    }
    match faults.next_fault(&request.line()).await {
        None => Ok(handler(request).await),
        Some(Fault::Status(status)) => Ok(answer(status, "text/plain", "")),
        Some(Fault::Answer(status, body)) => Ok(answer(status, "text/plain", body)),
        Some(Fault::Response(status, headers, body)) => Ok(response(status, &headers, body)),
        Some(Fault::Body(body)) => Ok(answer(200, "text/plain", body)),
        Some(Fault::Cut(body)) => Ok(cut(body)),
        Some(Fault::Endless(status, bytes)) => Ok(endless(status, bytes)),
        Some(Fault::Drop) => Err(io::Error::other("simulated connection failure")),
        Some(Fault::Lost) => {
            drop(handler(request).await);
            Err(io::Error::other("simulated loss of the response"))
        }
        Some(Fault::Hang) => std::future::pending().await,
    }
}

/// Returns a response with a complete body.
pub(crate) fn answer(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(whole(body)).expect("a valid response")
}

/// Returns a response with a complete body and exactly these headers.
fn response(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response<Body> {
    let response = Response::builder().status(status);
    let response = headers.iter().fold(response, |it, (name, value)| it.header(name, value));
    response.body(whole(body)).expect("valid headers")
}

/// Returns a complete body.
pub(crate) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Returns status 200 with a truncated body: the connection is closed before `content-length` is
/// reached.
fn cut(body: Vec<u8>) -> Response<Body> {
    let length = body.len() + 1;
    let frames = futures::stream::unfold(Some(body), |body| async {
        let Some(body) = body else {
            // Let hyper send the first frame before the error.
            tokio::task::yield_now().await;
            return Some((Err(io::Error::other("simulated truncation")), None));
        };
        Some((Ok(Frame::data(Bytes::from(body))), None))
    });
    let response = Response::builder().header("content-type", "application/json");
    let body = StreamBody::new(frames).boxed_unsync();
    response.header("content-length", length).body(body).expect("a valid response")
}

/// Returns a response whose body repeats `bytes` without end.
fn endless(status: u16, bytes: Vec<u8>) -> Response<Body> {
    let frames = futures::stream::unfold(Bytes::from(bytes), |bytes| async {
        // Let other connections of this thread proceed.
        tokio::task::yield_now().await;
        Some((Ok(Frame::data(bytes.clone())), bytes))
    });
    let mut response = stream(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).expect("a valid status");
    response
}

/// Returns a response with a streaming body.
pub(crate) fn stream(body: Body) -> Response<Body> {
    Response::builder()
        .header("content-type", "application/json")
        .body(body)
        .expect("a valid response")
}
