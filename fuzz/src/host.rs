//! Commands as a host writes them, from the input's choices: mostly right, so that they get past the first check.

use crate::input::Input;
use wire::fabrics::{Connect, ConnectData, DISCOVERY_NQN, Disconnect, Nqn, PropertyGet, PropertySet};
use wire::nvme::{Property, Sgl, SglDescriptor, Sqe};
use wire::{IntoBytes, U16, U32};

/// The subsystem with volumes.
pub const NQN: &str = "nqn.2026-11.org.qfc:fuzz";
/// A host that may always come.
pub const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
/// What a Linux host writes to CC.
const ENABLE: u32 = 0x0046_0001;

/// A command and what comes with it.
pub struct Command {
    /// The entry.
    pub sqe: Sqe,
    /// The host's data, in the capsule or fetched.
    pub payload: Vec<u8>,
    /// Bytes of it that are in the capsule.
    pub inline: u32,
}

impl Command {
    /// The most bytes that the target may send to the host for it.
    pub fn room(&self) -> u32 {
        match self.sqe.dptr.parse() {
            Sgl::Transport { length } => length,
            Sgl::Block { length, .. } | Sgl::Keyed { length, .. } => length,
            _ => 0,
        }
    }
}

/// The next command.
pub fn command(input: &mut Input, cid: u16) -> Command {
    let (mut sqe, mut payload) = template(input);
    let mut overrides = input.u8();
    if overrides & 0x80 != 0 {
        overrides = input.u8();
        override_fields(input, &mut sqe, overrides);
    } else if overrides & 1 != 0 {
        payload = data(input, 8192);
    }
    sqe.cid = U16::new(if overrides & 0x40 != 0 { input.u16() % 64 } else { cid });
    let natural = match sqe.dptr.parse() {
        Sgl::InCapsule { length, .. } => length.min(9000),
        _ => 0,
    };
    let inline = if overrides & 0x20 != 0 { u32::from(input.u16()) % 9000 } else { natural };
    payload.resize(payload.len().max(inline as usize), 0);
    Command { sqe, payload, inline }
}

fn template(input: &mut Input) -> (Sqe, Vec<u8>) {
    let kind = input.u8();
    match kind % 24 {
        0 => connect(input, 0),
        1 => connect(input, 1),
        2 => (PropertySet::sqe(Property::CC, u64::from(ENABLE)), Vec::new()),
        3 => (PropertySet::sqe(Property(u32::from(input.u8())), u64::from(input.u32())), Vec::new()),
        4 => (PropertyGet::sqe(Property(u32::from(input.u8()))), Vec::new()),
        5 => (Disconnect::sqe(), Vec::new()),
        6 => (wire::zerocopy::transmute!(input.array::<64>()), data(input, 4096)),
        7 => admin(input, 0x06, 4096),
        8 => admin(input, 0x02, 512),
        9 => admin(input, 0x09, 0),
        10 => admin(input, 0x0a, 0),
        11 => admin(input, 0x0c, 0),
        12 => admin(input, 0x08, 0),
        13 => admin(input, 0x18, 0),
        14 => {
            let opcode = input.u8();
            admin(input, opcode, 4096)
        }
        15 | 16 => block(input, 0x02),
        17 | 18 => block(input, 0x01),
        19 => block(input, 0x05),
        20 => block(input, 0x08),
        21 => ranges(input),
        22 => block(input, 0x00),
        _ => {
            let opcode = input.u8();
            block(input, opcode)
        }
    }
}

fn connect(input: &mut Input, qid: u16) -> (Sqe, Vec<u8>) {
    let how = input.u8();
    let mut sqe =
        Connect::new(qid * (1 + u16::from(how >> 6)), 2 + u16::from(input.u8() % 16), u32::from(how & 1) * 1000);
    let cntlid = if qid == 0 { 0xffff } else { u16::from(input.u8() % 8) };
    let name = |text: &str| Nqn::new(text).expect("a name");
    let subsystem = if how & 2 != 0 { DISCOVERY_NQN } else { NQN };
    let mut data = ConnectData::new(*b"host identifier.", cntlid, name(subsystem), name(HOST));
    if how & 4 != 0 {
        sqe.cattr = input.u8();
    }
    let mut bytes = data.as_bytes().to_vec();
    if how & 8 != 0 {
        let at = usize::from(input.u16()) % bytes.len();
        let part = input.bytes(16);
        let end = (at + part.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&part[..end - at]);
        data = wire::read(&bytes).expect("as many bytes as before");
    }
    if how & 16 != 0 {
        sqe.sgl1 = SglDescriptor::transport(1024);
    }
    (sqe.into_sqe(), data.as_bytes().to_vec())
}

fn admin(input: &mut Input, opcode: u8, len: u32) -> (Sqe, Vec<u8>) {
    let mut sqe = Sqe::new(opcode, u32::from(input.u8() & 3));
    sqe.cdw10 = U32::new(u32::from(input.u8()) | u32::from(input.u8()) << 16);
    sqe.cdw11 = U32::new(u32::from(input.u8()));
    sqe.dptr = SglDescriptor::transport(len);
    (sqe, Vec::new())
}

fn block(input: &mut Input, opcode: u8) -> (Sqe, Vec<u8>) {
    let nsid = 1 + u32::from(input.u8() & 1);
    let mut sqe = Sqe::new(opcode, nsid);
    sqe.set_cdw10_11(u64::from(input.u16()) % 2048);
    let blocks = u32::from(input.u8()) % 40;
    sqe.cdw12 = U32::new(blocks | u32::from(input.u8()) << 24);
    let len = (blocks + 1) * if nsid == 1 { 512 } else { 4096 };
    let inside = input.u8() & 1 != 0 && opcode & 3 == 1;
    sqe.dptr = if inside { SglDescriptor::in_capsule(0, len) } else { SglDescriptor::transport(len) };
    let payload = if opcode & 3 == 1 { vec![opcode; len as usize] } else { Vec::new() };
    (sqe, payload)
}

fn ranges(input: &mut Input) -> (Sqe, Vec<u8>) {
    let count = 1 + u32::from(input.u8() & 7);
    let mut sqe = Sqe::new(0x09, 1 + u32::from(input.u8() & 1));
    sqe.cdw10 = U32::new(count - 1);
    sqe.cdw11 = U32::new(u32::from(input.u8()));
    sqe.dptr = SglDescriptor::in_capsule(0, count * 16);
    let mut payload = vec![0; count as usize * 16];
    for range in payload.chunks_mut(16) {
        range[4..8].copy_from_slice(&u32::from(input.u8()).to_le_bytes());
        range[8..16].copy_from_slice(&u64::from(input.u16()).to_le_bytes());
    }
    (sqe, payload)
}

fn override_fields(input: &mut Input, sqe: &mut Sqe, which: u8) {
    if which & 1 != 0 {
        sqe.dptr = wire::zerocopy::transmute!(input.array::<16>());
    }
    if which & 2 != 0 {
        let len = input.pick(&[0, 1, 4, 512, 513, 4096, 8192, 8193, 131_072, 131_073, u32::MAX]);
        let offset = u64::from(input.u8());
        sqe.dptr = input.pick(&[
            SglDescriptor::transport(len),
            SglDescriptor::in_capsule(offset, len),
            SglDescriptor::block(offset, len),
            SglDescriptor::keyed_block(offset, len, 1, false),
        ]);
    }
    if which & 4 != 0 {
        sqe.flags = input.u8();
    }
    if which & 8 != 0 {
        sqe.nsid = U32::new(input.pick(&[0, 1, 2, 3, 0xffff_fffe, 0xffff_ffff]));
    }
    if which & 16 != 0 {
        for word in [&mut sqe.cdw10, &mut sqe.cdw11, &mut sqe.cdw12, &mut sqe.cdw13] {
            *word = U32::new(input.u32());
        }
    }
}

fn data(input: &mut Input, most: usize) -> Vec<u8> {
    let len = usize::from(input.u16()) % (most + 1);
    let seed = input.bytes(64);
    seed.iter().copied().cycle().take(if seed.is_empty() { 0 } else { len }).collect()
}
