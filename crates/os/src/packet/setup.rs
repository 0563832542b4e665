//! The system calls that make a packet socket.
use super::ring::{BLOCK_SLOTS, SLOT};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// Ancillary data of a classic BPF load: whether the frame had a VLAN tag (linux/filter.h).
const VLAN_TAG_PRESENT: i32 = libc::SKF_AD_OFF + 48;
/// Most bytes that wait in the kernel to be sent.
const SEND_BUFFER: libc::c_int = 8 << 20;

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn set<T>(fd: &OwnedFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let size = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel reads `size` bytes of a value that is borrowed for that long.
    checked(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, std::ptr::from_ref(value).cast(), size) }).map(drop)
}

/// A raw packet socket that receives nothing until it is bound.
pub(super) fn socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let fd = checked(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
    // SAFETY: just opened, and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    set(&fd, libc::SOL_PACKET, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V2 as libc::c_int))?;
    set(&fd, libc::SOL_PACKET, libc::PACKET_LOSS, &1)?;
    set(&fd, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1)?;
    // Without the right to go beyond the system's limit the limit it is.
    set(&fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &SEND_BUFFER)
        .or_else(|_| set(&fd, libc::SOL_SOCKET, libc::SO_SNDBUF, &SEND_BUFFER))?;
    Ok(fd)
}

const fn op(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

/// Only untagged frames of these EtherTypes come in.
pub(super) fn filter(fd: &OwnedFd, ethertypes: &[u16]) -> io::Result<()> {
    let (load, jump) = (libc::BPF_LD | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
    let count = ethertypes.len() as u8;
    let mut program = vec![
        op(load | libc::BPF_W, 0, 0, VLAN_TAG_PRESENT as u32),
        op(jump, 0, count + 1, 0),
        op(load | libc::BPF_H, 0, 0, 12),
    ];
    for (i, ethertype) in (0u8..).zip(ethertypes) {
        program.push(op(jump, count - i, 0, u32::from(*ethertype)));
    }
    program.push(op(libc::BPF_RET | libc::BPF_K, 0, 0, 0));
    program.push(op(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    set(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Has the kernel make both rings.
pub(super) fn rings(fd: &OwnedFd, slots: usize) -> io::Result<()> {
    let request = libc::tpacket_req {
        tp_block_size: (BLOCK_SLOTS * SLOT) as u32,
        tp_block_nr: (slots / BLOCK_SLOTS) as u32,
        tp_frame_size: SLOT as u32,
        tp_frame_nr: slots as u32,
    };
    set(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
    set(fd, libc::SOL_PACKET, libc::PACKET_TX_RING, &request)
}

/// Maps them.
pub(super) fn map(fd: &OwnedFd, bytes: usize) -> io::Result<NonNull<u8>> {
    let (rights, how) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: a new mapping at an address that the kernel chooses.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), bytes, rights, how, fd.as_raw_fd(), 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))
}

/// Begins to receive from the interface; what the filter lets through.
pub(super) fn bind(fd: &OwnedFd, index: i32) -> io::Result<()> {
    // SAFETY: an address is made of numbers and arrays of them, for which zeroes are valid.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index;
    let size = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the kernel reads `size` bytes of an address that lives for that long.
    checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) }).map(drop)
}

/// Adds or drops an address that the interface lets in.
pub(super) fn membership(fd: &OwnedFd, index: i32, mac: [u8; 6], how: libc::c_int) -> io::Result<()> {
    let kind = if mac[0] & 1 != 0 { libc::PACKET_MR_MULTICAST } else { libc::PACKET_MR_UNICAST };
    let mut address = [0; 8];
    address[..6].copy_from_slice(&mac);
    let request = libc::packet_mreq { mr_ifindex: index, mr_type: kind as u16, mr_alen: 6, mr_address: address };
    set(fd, libc::SOL_PACKET, how, &request)
}

/// Frames dropped for want of a slot since the last call.
pub(super) fn drops(fd: &OwnedFd) -> u32 {
    let mut answer = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut size = size_of_val(&answer) as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes to an answer that is borrowed for that long.
    let result = unsafe {
        let to = (&raw mut answer).cast();
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, to, &raw mut size)
    };
    if result == 0 { answer.tp_drops } else { 0 }
}
