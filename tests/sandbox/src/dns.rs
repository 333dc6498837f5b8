//! A DNS server that resolves a fixed set of names, over UDP.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The time for which a client may cache that a name does not exist, in seconds: a day.
const NEGATIVE_TTL: u32 = 86400;

type Records = Arc<Mutex<BTreeMap<String, Ipv4Addr>>>;

/// A running DNS server.
#[derive(Debug)]
pub struct Dns {
    addr: SocketAddr,
    records: Records,
    queries: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dns {
    /// Starts a server on `addr` with an A record for each name. Names have no trailing dot.
    pub fn start_on(addr: SocketAddr, records: BTreeMap<String, Ipv4Addr>) -> io::Result<Self> {
        let socket = UdpSocket::bind(addr)?;
        // With the timeout the thread can check regularly whether to stop.
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let addr = socket.local_addr()?;
        let (queries, stop) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let (query_log, stopped) = (Arc::clone(&queries), Arc::clone(&stop));
        let records = Arc::new(Mutex::new(records));
        let known = Arc::clone(&records);
        let thread = std::thread::spawn(move || serve(&socket, &known, &query_log, &stopped));
        Ok(Self { addr, records, queries, stop, thread: Some(thread) })
    }

    /// Adds or replaces the A record of `name`.
    pub fn set(&self, name: &str, address: Ipv4Addr) {
        self.records.lock().unwrap().insert(name.to_owned(), address);
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the queries so far, such as `api.example A`.
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
    records: &Mutex<BTreeMap<String, Ipv4Addr>>,
    queries: &Mutex<Vec<String>>,
    stop: &AtomicBool,
) {
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
        if let Ok(bytes) = reply(&question, &records.lock().unwrap(), queries).to_vec() {
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
            // The name exists without a record of this type: NOERROR without answers.
            Some(_) => {}
            None => {
                reply.metadata.response_code = ResponseCode::NXDomain;
                let ttl = i32::try_from(NEGATIVE_TTL).unwrap_or(i32::MAX);
                let (server, admin) = (Name::root(), Name::root());
                let soa = SOA::new(server, admin, 1, ttl, ttl, ttl, NEGATIVE_TTL);
                reply.authorities.push(Record::from_rdata(
                    Name::root(),
                    NEGATIVE_TTL,
                    RData::SOA(soa),
                ));
            }
        }
    }
    reply
}
