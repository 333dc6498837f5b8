//! An HTTP/1.1 server on a Unix socket, on a separate thread.

use super::answers::Reply;
use crate::faults::Faults;
use crate::server::{Body, Handler, Observer, serve, whole};
use crate::server_thread::ServerThread;
use http::Response;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

pub(super) struct UnixServer {
    pub path: PathBuf,
    faults: Faults,
    observer: Observer,
    handler: Handler,
    running: Option<ServerThread>,
}

impl UnixServer {
    pub fn start(
        path: &Path,
        faults: Faults,
        observer: Observer,
        handler: Handler,
    ) -> io::Result<Self> {
        let mut server = Self { path: path.to_owned(), faults, observer, handler, running: None };
        server.revive()?;
        Ok(server)
    }

    /// Starts the server if it is stopped. The socket is a new inode, so a bind mount of the old socket
    /// does not reach it.
    pub fn revive(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        self.remove();
        let listener = StdListener::bind(&self.path)?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o660))?;
        listener.set_nonblocking(true)?;
        let (faults, handler) = (self.faults.clone(), self.handler.clone());
        let observer = self.observer.clone();
        self.running =
            Some(ServerThread::start(move || accept(listener, faults, observer, handler))?);
        Ok(())
    }

    /// Stops listening and closes all connections. The socket file remains.
    pub fn kill(&mut self) {
        if let Some(thread) = self.running.take() {
            thread.stop();
        }
    }

    pub fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for UnixServer {
    fn drop(&mut self) {
        self.kill();
        self.remove();
    }
}

async fn accept(listener: StdListener, faults: Faults, observer: Observer, handler: Handler) {
    let listener = UnixListener::from_std(listener).expect("the listener was just bound");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (faults, observer, handler) = (faults.clone(), observer.clone(), handler.clone());
        tokio::spawn(serve(stream, faults, Some(observer), handler));
    }
}

/// Adds the status and the headers. Errors of apiserver have no content type.
pub(super) fn response(reply: Reply) -> Response<Body> {
    let (status, kind, body) = match reply {
        Reply::Json(value) => (200, Some("application/json"), value.to_string()),
        Reply::NoContent => (204, None, String::new()),
        Reply::NoContentJson => (204, Some("application/json"), String::new()),
        Reply::Error(status, why) => (status, None, why),
        Reply::FrameworkError(status, why) => (status, Some("text/plain; charset=utf-8"), why),
        Reply::NotFound => (404, None, String::new()),
    };
    let response = Response::builder().status(status);
    let response = match kind {
        Some(kind) => response.header("content-type", kind),
        None => response,
    };
    response.body(whole(body)).expect("a valid response")
}
