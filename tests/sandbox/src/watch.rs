//! Watches: JSON lines over one long answer, as the API server sends them.

use crate::server::{Body, stream};
use bytes::Bytes;
use futures::stream::unfold;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

/// What a watch is told.
#[derive(Clone, Debug)]
enum Signal {
    Event(Value),
    /// The end, in good order.
    End,
    /// The connection breaks.
    Break,
}

/// One open watch.
pub(crate) struct Watcher {
    name: Option<String>,
    signals: UnboundedSender<Signal>,
}

impl Watcher {
    /// Opens one for the object `name`, or for all. It ends by itself after `time`.
    pub fn open(name: Option<String>, time: Duration) -> (Self, Response<Body>) {
        let (signals, told) = unbounded_channel();
        let body = StreamBody::new(unfold((told, Instant::now() + time), next));
        (Self { name, signals }, stream(BodyExt::boxed_unsync(body)))
    }

    /// Whether somebody still reads.
    pub fn is_open(&self) -> bool {
        !self.signals.is_closed()
    }

    /// Tells of `object`, if it is the one that is watched.
    pub fn tell(&self, kind: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str();
        if self.name.is_none() || self.name.as_deref() == name {
            self.send(json!({ "type": kind, "object": object }));
        }
    }

    /// Tells how far the server is.
    pub fn bookmark(&self, version: u64) {
        self.send(json!({ "type": "BOOKMARK", "object": {
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": { "resourceVersion": version.to_string() },
        }}));
    }

    /// Sends an event as it is.
    pub fn send(&self, event: Value) {
        let _ = self.signals.send(Signal::Event(event));
    }

    /// Ends it in good order.
    pub fn end(&self) {
        let _ = self.signals.send(Signal::End);
    }

    /// Breaks its connection.
    pub fn break_off(&self) {
        let _ = self.signals.send(Signal::Break);
    }
}

type Told = (UnboundedReceiver<Signal>, Instant);

async fn next((mut told, until): Told) -> Option<(io::Result<Frame<Bytes>>, Told)> {
    match timeout_at(until, told.recv()).await {
        Ok(Some(Signal::Event(event))) => {
            let line = Bytes::from(format!("{event}\n"));
            Some((Ok(Frame::data(line)), (told, until)))
        }
        Ok(Some(Signal::Break)) => {
            Some((Err(io::Error::other("broken on purpose")), (told, until)))
        }
        Ok(Some(Signal::End) | None) | Err(_) => None,
    }
}
