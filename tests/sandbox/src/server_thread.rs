//! The thread of a running server.

use std::io;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A thread that accepts connections until it is stopped.
pub(crate) struct ServerThread {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl ServerThread {
    /// Runs the future that `accept` returns on a new thread with its own runtime.
    pub fn start<F>(accept: impl FnOnce() -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            // Dropping the runtime closes all connections.
            runtime.block_on(async {
                tokio::select! {
                    () = accept() => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { stop, thread })
    }

    /// Stops the thread and closes all connections.
    pub fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
