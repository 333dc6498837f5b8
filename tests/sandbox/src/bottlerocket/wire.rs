//! HTTP/1.1 over a Unix socket, on a thread of its own.

use super::answers::Reply;
use crate::faults::Faults;
use crate::server::{Body, Handler, Witness, serve, whole};
use crate::serving::Serving;
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
    witness: Witness,
    handler: Handler,
    running: Option<Serving>,
}

impl UnixServer {
    pub fn start(
        path: &Path,
        faults: Faults,
        witness: Witness,
        handler: Handler,
    ) -> io::Result<Self> {
        let mut server = Self { path: path.to_owned(), faults, witness, handler, running: None };
        server.revive()?;
        Ok(server)
    }

    /// Listens, on a new inode. A container's mount of the old one stays dead.
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
        let witness = self.witness.clone();
        self.running = Some(Serving::start(move || accept(listener, faults, witness, handler))?);
        Ok(())
    }

    /// Stops listening and closes every connection. The socket's inode stays, dead.
    pub fn kill(&mut self) {
        if let Some(serving) = self.running.take() {
            serving.end();
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

async fn accept(listener: StdListener, faults: Faults, witness: Witness, handler: Handler) {
    let listener = UnixListener::from_std(listener).expect("the listener was just bound");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (faults, witness, handler) = (faults.clone(), witness.clone(), handler.clone());
        tokio::spawn(serve(stream, faults, Some(witness), handler));
    }
}

/// With its head: apiserver's own refusals have no media type.
pub(super) fn response(reply: Reply) -> Response<Body> {
    let (status, kind, body) = match reply {
        Reply::Json(value) => (200, Some("application/json"), value.to_string()),
        Reply::Done => (204, None, String::new()),
        Reply::DoneJson => (204, Some("application/json"), String::new()),
        Reply::Refused(status, why) => (status, None, why),
        Reply::Unread(status, why) => (status, Some("text/plain; charset=utf-8"), why),
        Reply::Nowhere => (404, None, String::new()),
    };
    let response = Response::builder().status(status);
    let response = match kind {
        Some(kind) => response.header("content-type", kind),
        None => response,
    };
    response.body(whole(body)).expect("valid")
}
