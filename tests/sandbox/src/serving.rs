//! A server's thread, while it runs.

use std::io;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Serves until it is ended.
pub(crate) struct Serving {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Serving {
    /// Runs what `accept` makes, on a runtime of its own.
    pub fn start<F>(accept: impl FnOnce() -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            // Dropping the runtime at the end drops every connection with it.
            runtime.block_on(async {
                tokio::select! {
                    () = accept() => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { stop, thread })
    }

    /// Ends it, and every connection.
    pub fn end(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
