//! Wrong PDUs on purpose: to see that a target bears them.
//!
//! A [`Connection`] sends any bytes; a [`Pdu`] is built right and then made wrong field by field, digests computed over what is sent unless they
//! are to be wrong as well. Nothing here checks what the target answers: the caller looks at what it [`Heard`].
//!
//! ```no_run
//! use host::raw::{Connection, Heard, Pdu};
//! use std::time::Duration;
//! let mut c = Connection::open("127.0.0.1:4420".parse().unwrap())?;
//! c.negotiate(0, false, false, 1)?;
//! c.send(&Pdu::command(&c.to, wire::nvme::Sqe::new(2, 1), &[]).hlen(71))?;       // HLEN lies
//! let end = c.until_closed(Duration::from_secs(2))?;
//! assert_eq!(end.fault.map(|f| (f.fes, f.fei)), Some((wire::tcp::Fes::INVALID_HEADER_FIELD, 2)));
//! # Ok::<(), std::io::Error>(())
//! ```

mod heard;
mod pdu;

pub use heard::{Ending, Heard, Received};
pub use pdu::Pdu;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use wire::IntoBytes;
use wire::fabrics::{Connect, ConnectData, Nqn, PropertySet};
use wire::nvme::{Cc, Cqe, Property, Sqe};
use wire::tcp::{CommonHeader, Framing, ICResp, PduType, Sender};

/// How long the helpers wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A TCP connection to a target, blocking, that does only what it is told.
#[derive(Debug)]
pub struct Connection {
    /// The socket.
    pub stream: TcpStream,
    /// Framing of PDUs to the controller, as negotiated.
    pub to: Framing,
    /// Framing of PDUs from the controller, as negotiated.
    pub from: Framing,
    next_cid: u16,
}

impl Connection {
    /// Connects; nothing is sent.
    ///
    /// # Errors
    /// No connection.
    pub fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, to: Framing::PLAIN, from: Framing::PLAIN, next_cid: 1 })
    }

    /// Sends ICReq and takes ICResp; framing follows it from now on.
    ///
    /// # Errors
    /// Something else than an ICResp came, or nothing.
    pub fn negotiate(&mut self, hpda: u8, hdgst: bool, ddgst: bool, maxr2t: u32) -> io::Result<ICResp> {
        self.send(&Pdu::icreq(hpda, hdgst, ddgst, maxr2t))?;
        let answer = match self.hear(PATIENCE)? {
            Heard::Pdu(pdu) if pdu.kind() == PduType::IC_RESP => {
                wire::read::<ICResp>(&pdu.header).expect("128 bytes by its layout")
            }
            other => return Err(io::Error::other(format!("instead of ICResp: {other:?}"))),
        };
        let framing = |pda, max_data| Framing { hdgst: answer.hdgst(), ddgst: answer.ddgst(), pda, max_data };
        self.to = framing(answer.cpda, answer.maxh2cdata.get());
        self.from = framing(hpda, u32::MAX);
        Ok(answer)
    }

    /// Sends a PDU.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self, pdu: &Pdu) -> io::Result<()> {
        self.send_bytes(&pdu.bytes())
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends bytes one by one, so that a target gets them in as many pieces.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send_slowly(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        for byte in bytes {
            self.stream.write_all(&[*byte])?;
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// Ends our side; the target may still send.
    ///
    /// # Errors
    /// The connection is gone already.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// The next thing that comes, at most after `limit`.
    ///
    /// # Errors
    /// Of this side only: what the target does is [`Heard`].
    pub fn hear(&mut self, limit: Duration) -> io::Result<Heard> {
        let until = Instant::now() + limit;
        let mut header = vec![0; 8];
        if let Some(end) = self.fill(&mut header, until)? {
            return Ok(end);
        }
        let ch: CommonHeader = wire::read(&header).expect("8 bytes");
        let layout = match ch.layout(Sender::Controller, &self.from) {
            Ok(layout) => layout,
            Err(fault) => return Ok(Heard::Nonsense { header, fault }),
        };
        let mut rest = vec![0; layout.total as usize - 8];
        if let Some(end) = self.fill(&mut rest, until)? {
            return Ok(end);
        }
        header.extend_from_slice(&rest);
        Ok(Heard::Pdu(Received::new(ch, &layout, header)))
    }

    /// Reads all of `bytes`, or says how that ended.
    fn fill(&mut self, bytes: &mut [u8], until: Instant) -> io::Result<Option<Heard>> {
        let mut at = 0;
        while at < bytes.len() {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut bytes[at..]) {
                Ok(0) => return Ok(Some(Heard::Closed { partial: at })),
                Ok(n) => at += n,
                Err(e) => match e.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        return Ok(Some(Heard::Silence { partial: at }));
                    }
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return Ok(Some(Heard::Reset)),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(e),
                },
            }
        }
        Ok(None)
    }

    /// Takes all that comes until the target ends the connection, or nothing comes for `limit`.
    ///
    /// # Errors
    /// As [`Connection::hear`].
    pub fn until_closed(&mut self, limit: Duration) -> io::Result<Ending> {
        let mut ending = Ending { fault: None, closed: false, pdus: Vec::new() };
        loop {
            match self.hear(limit)? {
                Heard::Pdu(pdu) => {
                    ending.fault = ending.fault.or(pdu.fault());
                    ending.pdus.push(pdu);
                }
                Heard::Closed { .. } | Heard::Reset => {
                    ending.closed = true;
                    return Ok(ending);
                }
                Heard::Silence { .. } => return Ok(ending),
                Heard::Nonsense { header, fault } => {
                    return Err(io::Error::other(format!("the target sent nonsense: {header:?} {fault:?}")));
                }
            }
        }
    }

    /// A command identifier that was not used on this connection (for 65,535 commands).
    pub fn cid(&mut self) -> u16 {
        let cid = self.next_cid;
        self.next_cid = self.next_cid.wrapping_add(1);
        cid
    }

    /// Sends a command with its data in the capsule (none, if empty) and a CID, and returns what comes first. The data pointer is the caller's.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn command(&mut self, mut sqe: Sqe, data: &[u8]) -> io::Result<Heard> {
        sqe.cid = self.cid().into();
        self.send(&Pdu::command(&self.to, sqe, data))?;
        self.hear(PATIENCE)
    }

    /// As [`Connection::command`], for one that a response capsule answers.
    ///
    /// # Errors
    /// Something else came.
    pub fn answer(&mut self, sqe: Sqe, data: &[u8]) -> io::Result<Cqe> {
        match self.command(sqe, data)? {
            Heard::Pdu(pdu) if pdu.cqe().is_some() => Ok(pdu.cqe().expect("just seen")),
            other => Err(io::Error::other(format!("instead of a response: {other:?}"))),
        }
    }

    /// A right Connect: to a queue of `entries`, for a host named `hostnqn`.
    ///
    /// # Errors
    /// No response; a bad status is none.
    pub fn connect(&mut self, qid: u16, entries: u16, cntlid: u16, subnqn: &str, hostnqn: &str) -> io::Result<Cqe> {
        let nqn = |text: &str| Nqn::new(text).map_err(|e| io::Error::other(format!("{text:?} {e}")));
        let data = ConnectData::new([0x11; 16], cntlid, nqn(subnqn)?, nqn(hostnqn)?);
        self.answer(Connect::new(qid, entries, 0).into_sqe(), data.as_bytes())
    }

    /// A whole right start: negotiation without digests, Connect to the admin queue, CC.EN. Returns the controller identifier.
    ///
    /// # Errors
    /// Anything is refused.
    pub fn admin(address: SocketAddr, subnqn: &str, hostnqn: &str) -> io::Result<(Connection, u16)> {
        let mut c = Connection::open(address)?;
        c.negotiate(0, false, false, 1)?;
        let cqe = c.connect(0, 32, wire::limits::CNTLID_DYNAMIC, subnqn, hostnqn)?;
        let good = |cqe: &Cqe| {
            cqe.status().is_success().then_some(()).ok_or_else(|| io::Error::other(format!("refused: {cqe:?}")))
        };
        good(&cqe)?;
        let cc = Cc::default().with_en(true).with_iosqes(6).with_iocqes(4);
        good(&c.answer(PropertySet::sqe(Property::CC, u64::from(cc.0)), &[])?)?;
        Ok((c, cqe.dw0.get() as u16))
    }

    /// A whole right start of I/O queue `qid` of a controller that is enabled.
    ///
    /// # Errors
    /// Anything is refused.
    pub fn io(address: SocketAddr, qid: u16, cntlid: u16, subnqn: &str, hostnqn: &str) -> io::Result<Connection> {
        let mut c = Connection::open(address)?;
        c.negotiate(0, false, false, 1)?;
        let cqe = c.connect(qid, 32, cntlid, subnqn, hostnqn)?;
        if cqe.status().is_success() { Ok(c) } else { Err(io::Error::other(format!("refused: {cqe:?}"))) }
    }
}
