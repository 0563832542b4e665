//! What the kernel knows of a network interface.
use std::io;
use std::os::fd::AsRawFd;

/// A network interface as it was when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub index: i32,
    /// Its Ethernet address.
    pub mac: [u8; 6],
    /// Bytes that one of its frames carries behind the Ethernet header.
    pub mtu: u32,
    /// It is switched on and has a carrier.
    pub up: bool,
}

/// Asks for the interface of a name. `socket` is any socket of the network namespace that is meant.
///
/// # Errors
/// There is none of this name, or it is no Ethernet.
pub fn interface(socket: &impl AsRawFd, name: &str) -> io::Result<Interface> {
    let mut request = named(name)?;
    let mut ask = |what: libc::Ioctl| {
        // SAFETY: these requests read the name of an ifreq and write its union, both of which `request` has.
        match unsafe { libc::ioctl(socket.as_raw_fd(), what, &raw mut request) } {
            0 => Ok(request.ifr_ifru),
            _ => Err(io::Error::last_os_error()),
        }
    };
    let (index, flags) = (ask(libc::SIOCGIFINDEX as libc::Ioctl)?, ask(libc::SIOCGIFFLAGS as libc::Ioctl)?);
    let (mtu, address) = (ask(libc::SIOCGIFMTU as libc::Ioctl)?, ask(libc::SIOCGIFHWADDR as libc::Ioctl)?);
    // SAFETY: each answer is the field that its request fills in; all are plain numbers, of which every value is valid.
    let (index, flags, mtu, address) =
        unsafe { (index.ifru_ifindex, flags.ifru_flags, mtu.ifru_mtu, address.ifru_hwaddr) };
    if address.sa_family != libc::ARPHRD_ETHER {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "is no Ethernet interface"));
    }
    let on = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    let mac = std::array::from_fn(|i| address.sa_data[i] as u8);
    Ok(Interface { index, mac, mtu: mtu.max(0) as u32, up: flags & on == on })
}

fn named(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: an ifreq is made of numbers and arrays of them, for which zeroes are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.is_empty() || name.len() >= request.ifr_name.len() || name.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no name of a network interface"));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}
