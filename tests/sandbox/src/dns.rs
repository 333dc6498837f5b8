//! A name server that knows the names it is given, over UDP and TCP.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running name server.
#[derive(Debug)]
pub struct Dns {
    addr: SocketAddr,
    queries: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dns {
    /// On `addr`, with an address for each name. Names are without their last dot.
    pub fn start_on(addr: SocketAddr, records: BTreeMap<String, Ipv4Addr>) -> io::Result<Self> {
        let socket = UdpSocket::bind(addr)?;
        // So that the thread looks up now and then, and can be stopped.
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let addr = socket.local_addr()?;
        let (queries, stop) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let (asked, stopped) = (Arc::clone(&queries), Arc::clone(&stop));
        let thread = std::thread::spawn(move || serve(&socket, &records, &asked, &stopped));
        Ok(Self { addr, queries, stop, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The names that were asked for, such as `api.example A`.
    #[must_use]
    pub fn queries(&self) -> Vec<String> {
        self.queries.lock().unwrap().clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    socket: &UdpSocket,
    records: &BTreeMap<String, Ipv4Addr>,
    queries: &Mutex<Vec<String>>,
    stop: &AtomicBool,
) {
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
        if let Ok(bytes) = reply(&question, records, queries).to_vec() {
            let _ = socket.send_to(&bytes, from);
        }
    }
}

fn reply(
    question: &Message,
    records: &BTreeMap<String, Ipv4Addr>,
    queries: &Mutex<Vec<String>>,
) -> Message {
    let mut reply = question.clone();
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.recursion_available = true;
    for query in &question.queries {
        let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
        queries.lock().unwrap().push(format!("{name} {}", query.query_type()));
        match records.get(&name) {
            Some(address) if query.query_type() == RecordType::A => {
                let record = Record::from_rdata(query.name().clone(), 60, RData::A(A(*address)));
                reply.answers.push(record);
            }
            // A name that has no address of this kind is still a name.
            Some(_) => {}
            None => reply.metadata.response_code = ResponseCode::NXDomain,
        }
    }
    reply
}
