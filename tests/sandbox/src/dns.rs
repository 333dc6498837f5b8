//! A DNS server that resolves a fixed set of names, over UDP and TCP.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The time for which a client may cache that a name does not exist, in seconds: a day.
const NEGATIVE_TTL: u32 = 86400;

type Records = Arc<Mutex<BTreeMap<String, Ipv4Addr>>>;

/// A fault of a DNS server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// No response.
    Silent,
    /// The response code `SERVFAIL`.
    ServerFailure,
    /// The response code `REFUSED`.
    Refused,
    /// The response code `NXDOMAIN`.
    NoSuchName,
    /// No record in the answer, and the bit that asks the client to repeat the query over TCP.
    Truncated,
    /// A TXT record instead of an address.
    OtherType,
    /// Bytes that are not a DNS message.
    Garbage,
    /// As `Truncated`. Over TCP, a reset after the start of the response.
    TcpReset,
    /// As `Truncated`. Over TCP, the start of the response, then the end of the connection.
    TcpCut,
    /// As `Truncated`. Over TCP, no response.
    TcpSilent,
    /// As `Truncated`. Over TCP, a valid response of about 60 KiB: the address follows TXT records.
    Huge,
}

/// A running DNS server.
#[derive(Debug)]
pub struct Dns {
    addr: SocketAddr,
    records: Records,
    fault: Arc<Mutex<Option<DnsFault>>>,
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
        let fault: Arc<Mutex<Option<DnsFault>>> = Arc::default();
        let (known, broken) = (Arc::clone(&records), Arc::clone(&fault));
        let thread =
            std::thread::spawn(move || serve(&socket, &known, &broken, &query_log, &stopped));
        let tcp = TcpListener::bind(addr)?;
        let (known, asked, over) = (Arc::clone(&records), Arc::clone(&queries), Arc::clone(&stop));
        let broken = Arc::clone(&fault);
        std::thread::spawn(move || serve_tcp(&tcp, &known, &broken, &asked, &over));
        Ok(Self { addr, records, fault, queries, stop, thread: Some(thread) })
    }

    /// Adds or replaces the A record of `name`.
    pub fn set(&self, name: &str, address: Ipv4Addr) {
        self.records.lock().unwrap().insert(name.to_owned(), address);
    }

    /// Sets the fault of every further response; `None` ends it.
    pub fn set_fault(&self, fault: Option<DnsFault>) {
        *self.fault.lock().unwrap() = fault;
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
        let _ = TcpStream::connect(self.addr); // ends the last accept
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    socket: &UdpSocket,
    records: &Mutex<BTreeMap<String, Ipv4Addr>>,
    fault: &Mutex<Option<DnsFault>>,
    queries: &Mutex<Vec<String>>,
    stop: &AtomicBool,
) {
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
        let reply = reply(&question, &records.lock().unwrap(), queries);
        let fault = *fault.lock().unwrap();
        let Some(bytes) =
            fault.map_or_else(|| reply.to_vec().ok(), |it| it.bytes(&question, reply.clone()))
        else {
            continue;
        };
        let _ = socket.send_to(&bytes, from);
    }
}

/// Answers queries over TCP. Each message follows its length.
fn serve_tcp(
    listener: &TcpListener,
    records: &Mutex<BTreeMap<String, Ipv4Addr>>,
    fault: &Mutex<Option<DnsFault>>,
    queries: &Mutex<Vec<String>>,
    stop: &AtomicBool,
) {
    for client in listener.incoming().flatten() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let _ = client.set_read_timeout(Some(Duration::from_secs(1)));
        let current = || *fault.lock().unwrap();
        let _ = match current() {
            Some(DnsFault::TcpReset) => reset_tcp(client),
            Some(DnsFault::TcpSilent) => {
                let is_over = || stop.load(Ordering::Relaxed) || current().is_none();
                hold_tcp(client, is_over)
            }
            fault => answer_tcp(client, fault, records, queries),
        };
    }
}

/// Sends the start of a response. The kernel resets a connection that is closed before all input is read.
fn reset_tcp(mut client: TcpStream) -> io::Result<()> {
    client.read_exact(&mut [0])?;
    client.write_all(&[2, 0, 0])
}

/// Sends nothing until the client closes the connection or `is_over` returns true.
fn hold_tcp(mut client: TcpStream, is_over: impl Fn() -> bool) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_millis(50)))?;
    let is_timeout = |kind| matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    while !is_over() {
        match client.read(&mut [0; 4096]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if is_timeout(error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer_tcp(
    mut client: TcpStream,
    fault: Option<DnsFault>,
    records: &Mutex<BTreeMap<String, Ipv4Addr>>,
    queries: &Mutex<Vec<String>>,
) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        client.read_exact(&mut length)?;
        let mut question = vec![0; u16::from_be_bytes(length).into()];
        client.read_exact(&mut question)?;
        let question = Message::from_vec(&question).map_err(io::Error::other)?;
        let mut reply = reply(&question, &records.lock().unwrap(), queries);
        if fault == Some(DnsFault::Huge) {
            reply.answers.splice(0..0, filler(&question));
        }
        let reply = reply.to_vec().map_err(io::Error::other)?;
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        if fault == Some(DnsFault::TcpCut) {
            return client.write_all(&[&length.to_be_bytes(), &reply[..12]].concat());
        }
        client.write_all(&[&length.to_be_bytes(), reply.as_slice()].concat())?;
    }
}

/// Returns about 60 KiB of TXT records for the name of `question`.
fn filler(question: &Message) -> Vec<Record> {
    let name = question.queries.first().map_or_else(Name::root, |query| query.name().clone());
    let text = RData::TXT(TXT::new(vec!["x".repeat(255)]));
    vec![Record::from_rdata(name, 60, text); 220]
}

impl DnsFault {
    /// Returns the faulty response to `question` instead of `reply`; `None` for no response.
    fn bytes(self, question: &Message, mut reply: Message) -> Option<Vec<u8>> {
        reply.answers.clear();
        reply.authorities.clear();
        reply.metadata.response_code = ResponseCode::NoError;
        match self {
            Self::Silent => return None,
            Self::Garbage => return Some(b"not a DNS message".to_vec()),
            Self::ServerFailure => reply.metadata.response_code = ResponseCode::ServFail,
            Self::Refused => reply.metadata.response_code = ResponseCode::Refused,
            Self::NoSuchName => reply.metadata.response_code = ResponseCode::NXDomain,
            Self::Truncated | Self::TcpReset | Self::TcpCut | Self::TcpSilent | Self::Huge => {
                reply.metadata.truncation = true;
            }
            Self::OtherType => {
                let name = question.queries.first()?.name().clone();
                let text = RData::TXT(TXT::new(vec!["not an address".to_owned()]));
                reply.answers.push(Record::from_rdata(name, 60, text));
            }
        }
        reply.to_vec().ok()
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
