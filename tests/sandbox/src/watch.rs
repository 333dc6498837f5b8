//! Watches: long responses with one JSON event per line, as the API server sends them.

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

/// What the server sends to a watch.
#[derive(Clone, Debug)]
enum Signal {
    Event(Value),
    /// Ends the response.
    End,
    /// Closes the connection in the middle of the response.
    Break,
}

/// An open watch.
pub(crate) struct Watcher {
    name: Option<String>,
    signals: UnboundedSender<Signal>,
}

impl Watcher {
    /// Opens a watch of the object `name`, or of all objects. It ends after `time`.
    pub fn open(name: Option<String>, time: Duration) -> (Self, Response<Body>) {
        let (signals, queue) = unbounded_channel();
        let body = StreamBody::new(unfold((queue, Instant::now() + time), next));
        (Self { name, signals }, stream(BodyExt::boxed_unsync(body)))
    }

    /// Returns whether the client is still connected.
    pub fn is_open(&self) -> bool {
        !self.signals.is_closed()
    }

    /// Sends an event if `object` is being watched.
    pub fn send_event(&self, kind: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str();
        if self.name.is_none() || self.name.as_deref() == name {
            self.send(json!({ "type": kind, "object": object }));
        }
    }

    /// Sends a bookmark with the resource version `version`.
    pub fn bookmark(&self, version: u64) {
        self.send(json!({ "type": "BOOKMARK", "object": {
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": { "resourceVersion": version.to_string() },
        }}));
    }

    /// Sends an event unconditionally.
    pub fn send(&self, event: Value) {
        let _ = self.signals.send(Signal::Event(event));
    }

    /// Ends the response.
    pub fn end(&self) {
        let _ = self.signals.send(Signal::End);
    }

    /// Closes the connection in the middle of the response.
    pub fn break_off(&self) {
        let _ = self.signals.send(Signal::Break);
    }
}

/// The signals of a watch, and when it ends.
type Queue = (UnboundedReceiver<Signal>, Instant);

async fn next((mut queue, end): Queue) -> Option<(io::Result<Frame<Bytes>>, Queue)> {
    match timeout_at(end, queue.recv()).await {
        Ok(Some(Signal::Event(event))) => {
            let line = Bytes::from(format!("{event}\n"));
            Some((Ok(Frame::data(line)), (queue, end)))
        }
        Ok(Some(Signal::Break)) => {
            Some((Err(io::Error::other("simulated connection failure")), (queue, end)))
        }
        Ok(Some(Signal::End) | None) | Err(_) => None,
    }
}
