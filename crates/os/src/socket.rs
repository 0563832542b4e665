//! Setting sockets up.
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, sockopt};
use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

/// How the congestion control of a connection is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Congestion<'a> {
    /// The system's, unless that is a BBR: then cubic, or reno. BBR paces by timers and holds data back, which costs a storage target
    /// on a short path 10 % and more of its throughput.
    #[default]
    Auto,
    /// The system's, whatever it is.
    System,
    /// This one.
    Named(&'a str),
}

/// Settings of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tune<'a> {
    /// Send at once, without waiting for more (TCP_NODELAY).
    pub nodelay: bool,
    /// Priority of its packets in the sending host's queues (SO_PRIORITY).
    pub priority: Option<u32>,
    /// The congestion control.
    pub congestion: Congestion<'a>,
}

impl Default for Tune<'_> {
    fn default() -> Self {
        Tune { nodelay: true, priority: None, congestion: Congestion::Auto }
    }
}

/// A listening socket, non-blocking; an address may be taken again at once after a restart, and IPv6 does not take IPv4's place.
///
/// # Errors
/// What the kernel says of the address: in use, not ours, not permitted.
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket::socket(family, SockType::Stream, flags, None)?;
    socket::setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        socket::setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
    }
    socket::bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    let backlog = Backlog::new(backlog.min(4096) as i32)?;
    socket::listen(&fd, backlog)?;
    Ok(TcpListener::from(fd))
}

/// Makes a connection non-blocking and sets it up.
///
/// # Errors
/// What the kernel says, for instance of a congestion control that is not there. [`Congestion::Auto`] always succeeds.
pub fn tune(stream: &TcpStream, how: Tune<'_>) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(how.nodelay)?;
    if let Some(priority) = how.priority {
        socket::setsockopt(stream, sockopt::Priority, &(priority as i32))?;
    }
    match how.congestion {
        Congestion::System => Ok(()),
        Congestion::Named(name) => set_congestion(stream, name),
        Congestion::Auto => {
            leave_bbr(stream);
            Ok(())
        }
    }
}

fn set_congestion(stream: &TcpStream, name: &str) -> io::Result<()> {
    Ok(socket::setsockopt(stream, sockopt::TcpCongestion, &OsString::from(name))?)
}

fn leave_bbr(stream: &TcpStream) {
    let present = socket::getsockopt(stream, sockopt::TcpCongestion).unwrap_or_default();
    if present.as_encoded_bytes().starts_with(b"bbr") {
        // With neither there it stays as it is: slower, not wrong.
        let _ = set_congestion(stream, "cubic").or_else(|_| set_congestion(stream, "reno"));
    }
}
