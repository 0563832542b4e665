//! One TCP connection and what both sides agreed on in ICReq and ICResp. NVMe/TCP 1.0c 3.6.2.2 and 3.6.2.3.

use crate::{Error, Result, Violation};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;
use wire::IntoBytes;
use wire::tcp::{CommonHeader, Framing, ICReq, ICResp, PduType, Sender, TermReq};

/// What to ask for when a connection is made.
#[derive(Debug, Clone)]
pub struct LinkOptions {
    /// Ask for header digests.
    pub hdgst: bool,
    /// Ask for data digests.
    pub ddgst: bool,
    /// Host PDU data alignment (HPDA): data of PDUs to the host begin at multiples of `(hpda + 1) * 4` bytes. 0 to 31.
    pub hpda: u8,
    /// Outstanding R2Ts that a command may have, at least 1.
    pub maxr2t: u32,
    /// How long to wait for a connection, for ICResp and for the answer to a control command.
    pub timeout: Duration,
    /// Check reserved fields and everything else that a careless host would let pass.
    pub strict: bool,
}

impl Default for LinkOptions {
    fn default() -> Self {
        LinkOptions { hdgst: false, ddgst: false, hpda: 0, maxr2t: 1, timeout: Duration::from_secs(10), strict: true }
    }
}

/// A connection that is ready for capsules.
#[derive(Debug)]
pub struct Link {
    /// The socket, non-blocking.
    pub stream: TcpStream,
    /// Framing of PDUs to the controller.
    pub to: Framing,
    /// Framing of PDUs from the controller.
    pub from: Framing,
    /// Most data of one H2CData PDU.
    pub maxh2cdata: u32,
    /// R2Ts that a command may have.
    pub maxr2t: u32,
}

impl Link {
    /// Connects and negotiates.
    ///
    /// # Errors
    /// No connection, no or a wrong ICResp, a TermReq instead.
    pub fn open(address: SocketAddr, options: &LinkOptions) -> Result<Link> {
        let stream = TcpStream::connect_timeout(&address, options.timeout)
            .map_err(|source| Error::Unreachable { address, source })?;
        Link::negotiate(stream, options)
    }

    /// Negotiates on a connection that is there.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub fn negotiate(mut stream: TcpStream, options: &LinkOptions) -> Result<Link> {
        let lost = |source| Error::Lost { what: "setting the connection up", source };
        stream.set_nodelay(true).map_err(lost)?;
        stream.set_read_timeout(Some(options.timeout)).map_err(lost)?;
        let request = ICReq::new(options.hpda, options.hdgst, options.ddgst, options.maxr2t);
        stream.write_all(request.as_bytes()).map_err(|source| Error::Lost { what: "sending ICReq", source })?;
        let answer = read_icresp(&mut stream, options.timeout)?;
        let link = agree(stream, options, &answer)?;
        os::tune(&link.stream, os::Tune::default()).map_err(lost)?;
        Ok(link)
    }
}

fn read_icresp(stream: &mut TcpStream, timeout: Duration) -> Result<ICResp> {
    let mut bytes = [0u8; wire::tcp::TERM_PDU_MAX as usize];
    read(stream, &mut bytes[..8], timeout)?;
    let ch: CommonHeader = wire::read(&bytes).expect("8 bytes are a header");
    let layout = ch.layout(Sender::Controller, &Framing::PLAIN);
    let layout = layout.map_err(|fault| tell(stream, &bytes[..8], Violation::header(&ch, fault)))?;
    if layout.total as usize > bytes.len() {
        return Err(tell(
            stream,
            &bytes[..8],
            Violation::sequence(ch.kind, "PDU-Type", "sent before ICResp".to_owned()),
        ));
    }
    read(stream, &mut bytes[8..layout.total as usize], timeout)?;
    match ch.kind {
        PduType::IC_RESP => Ok(wire::read(&bytes).expect("ICResp is 128 bytes by its layout")),
        PduType::C2H_TERM_REQ => {
            Err(Error::Terminated { fault: wire::read::<TermReq>(&bytes).expect("24 bytes").fault() })
        }
        _ => Err(tell(
            stream,
            &bytes[..24],
            Violation::sequence(ch.kind, "PDU-Type", "sent instead of ICResp".to_owned()),
        )),
    }
}

fn read(stream: &mut TcpStream, bytes: &mut [u8], after: Duration) -> Result<()> {
    stream.read_exact(bytes).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            Error::Timeout { what: "ICReq".to_owned(), after }
        }
        std::io::ErrorKind::UnexpectedEof => Error::Closed { what: "waiting for ICResp" },
        _ => Error::Lost { what: "waiting for ICResp", source },
    })
}

/// Tells the target what is wrong, as far as it still listens.
fn tell(stream: &mut TcpStream, wrong: &[u8], violation: Violation) -> Error {
    let (pdu, length) = TermReq::pdu(Sender::Host, violation.fault, wrong);
    // The connection ends anyway; whether the last word arrives changes nothing.
    let _ = stream.write_all(&pdu[..length]);
    let _ = stream.shutdown(Shutdown::Write);
    violation.into()
}

fn agree(mut stream: TcpStream, options: &LinkOptions, answer: &ICResp) -> Result<Link> {
    if let Some(violation) = wrong_icresp(options, answer) {
        return Err(tell(&mut stream, answer.as_bytes(), violation));
    }
    let digests = |pda, max_data| Framing { hdgst: answer.hdgst(), ddgst: answer.ddgst(), pda, max_data };
    let maxh2cdata = answer.maxh2cdata.get();
    Ok(Link {
        stream,
        to: digests(answer.cpda, maxh2cdata),
        from: digests(options.hpda, u32::MAX),
        maxh2cdata,
        maxr2t: options.maxr2t.max(1),
    })
}

fn wrong_icresp(options: &LinkOptions, answer: &ICResp) -> Option<Violation> {
    let wrong = |field, offset, what: String| Some(Violation::field(PduType::IC_RESP, field, offset, what));
    if let Err(fault) = answer.check() {
        let (field, value) = match fault.fei {
            8 => ("PFV", u32::from(answer.pfv.get())),
            10 => ("CPDA", u32::from(answer.cpda)),
            _ => ("MAXH2CDATA", answer.maxh2cdata.get()),
        };
        return wrong(field, fault.fei, format!("{value} is not allowed"));
    }
    if answer.hdgst() && !options.hdgst || answer.ddgst() && !options.ddgst {
        return wrong("DGST", 11, format!("{:#x} enables a digest that was not asked for", answer.dgst));
    }
    if !options.strict {
        return None;
    }
    if answer.ch.flags != 0 {
        return wrong("FLAGS", 1, format!("{:#x}, all are reserved", answer.ch.flags));
    }
    if answer.ch.pdo != 0 {
        return wrong("PDO", 3, format!("{}, is reserved", answer.ch.pdo));
    }
    if answer.dgst & !3 != 0 {
        return wrong("DGST", 11, format!("{:#x} has reserved bits", answer.dgst));
    }
    if answer.rsvd.iter().any(|&b| b != 0) {
        return wrong("reserved bytes 16..127", 16, "are not zero".to_owned());
    }
    None
}
