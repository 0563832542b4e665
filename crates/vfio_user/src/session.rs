//! One client: its requests to the model, and what it lends to it.
use crate::channel::{Broken, Message};
use crate::dma_messages::Link;
use crate::interrupts::{Interrupts, Set};
use crate::memory::Memory;
use crate::message::{
    Access, Command, Errno, Fields, Header, IRQ_INTX, IRQ_MSIX, Payload, REGION_CONFIG, REGIONS, TRANSFER_MAX,
};
use crate::version;
use dma::Foreign;
use pci::{Bus, Fault, Model};
use std::os::fd::OwnedFd;

/// Bytes of configuration space.
const CONFIG_BYTES: u64 = 4096;
/// Where a function says which interrupt pin it has.
const INTERRUPT_PIN: u16 = 0x3D;

#[derive(Debug)]
pub(crate) struct Session {
    pub link: Link,
    memory: Memory,
    interrupts: Interrupts,
    /// The versions were exchanged.
    agreed: bool,
}

type Reply = Result<Vec<u8>, Errno>;

impl Session {
    pub(crate) fn new(link: Link, model: &mut impl Model) -> Session {
        let mut pin = [0];
        model.read_config(INTERRUPT_PIN, &mut pin);
        let interrupts = Interrupts::new(pin != [0], model.vectors());
        Session { link, memory: Memory::default(), interrupts, agreed: false }
    }

    /// Whether the versions were exchanged.
    pub(crate) fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// Carries out one request of the client, if there is one.
    pub(crate) fn serve(&mut self, model: &mut impl Model) -> Result<bool, Broken> {
        let Some(message) = self.link.request()? else { return Ok(false) };
        let Message { header, payload, descriptors } = message;
        let command = Command::from_number(header.command);
        if !self.agreed && command != Some(Command::Version) {
            return Err(Broken("it did not begin with its version".into()));
        }
        let reply = match command {
            Some(command) => self.carry_out(command, &payload, descriptors, model),
            None => Err(Errno::NotSupported),
        };
        log::trace!(target: "vfio_user", "{command:?} {header:?}: {:?}", reply.as_ref().map(Vec::len));
        self.link.channel.recycle(payload);
        if header.wants_reply() {
            self.answer(header, reply)?;
        }
        Ok(true)
    }

    fn answer(&mut self, header: Header, reply: Reply) -> Result<(), Broken> {
        let (head, payload) = match reply {
            Ok(payload) => (header.reply(payload.len()), payload),
            Err(errno) => (header.refusal(errno), Vec::new()),
        };
        self.link.channel.send(head, &payload, &[]).map(drop)
    }

    fn carry_out(&mut self, command: Command, payload: &[u8], fds: Vec<OwnedFd>, model: &mut impl Model) -> Reply {
        let mut fields = Fields(payload);
        match command {
            Command::Version => self.version(payload),
            Command::DmaMap => self.map(&mut fields, fds).unwrap_or(Err(Errno::Invalid)),
            Command::DmaUnmap => self.unmap(&mut fields, payload).unwrap_or(Err(Errno::Invalid)),
            Command::GetInfo => Ok(Payload::default().u32(16).u32(1 | 2).u32(REGIONS).u32(crate::message::IRQS).0),
            Command::GetRegionInfo => region_info(&mut fields, model).ok_or(Errno::Invalid),
            Command::GetIrqInfo => self.irq_info(&mut fields).ok_or(Errno::Invalid),
            Command::SetIrqs => self.set_irqs(&mut fields, fds).unwrap_or(Err(Errno::Invalid)),
            Command::RegionRead => read(&mut fields, model),
            Command::RegionWrite => write(&mut fields, model),
            Command::WriteMulti => write_many(&mut fields, model).ok_or(Errno::Invalid),
            Command::Reset => {
                model.reset();
                Ok(Vec::new())
            }
            Command::GetRegionIoFds | Command::DmaRead | Command::DmaWrite => Err(Errno::NotSupported),
        }
    }

    fn version(&mut self, payload: &[u8]) -> Reply {
        if self.agreed {
            return Err(Errno::Invalid);
        }
        let (minor, theirs) = version::parse(payload)?;
        self.link.set_transfer(theirs.max_data_xfer_size);
        self.agreed = true;
        Ok(version::answer(minor, &theirs))
    }

    fn map(&mut self, fields: &mut Fields<'_>, mut fds: Vec<OwnedFd>) -> Option<Reply> {
        let (_argsz, flags) = (fields.u32()?, fields.u32()?);
        let (offset, address, len) = (fields.u64()?, fields.u64()?, fields.u64()?);
        if let Err(errno) = self.memory.check(address, len) {
            return Some(Err(errno));
        }
        let file = if fds.len() > 1 { return None } else { fds.pop() };
        let foreign = file.map(|file| Foreign::new(file, offset, len, Memory::asks_to_write(flags))).transpose();
        let foreign =
            foreign.map_err(|e| log::warn!(target: "vfio_user", "{len:#x} bytes at {address:#x}: {e}")).ok()?;
        self.memory.add(address, len, flags, foreign);
        Some(Ok(Vec::new()))
    }

    fn unmap(&mut self, fields: &mut Fields<'_>, payload: &[u8]) -> Option<Reply> {
        const DIRTY_PAGES: u32 = 1;
        const ALL: u32 = 2;
        let (_argsz, flags) = (fields.u32()?, fields.u32()?);
        let (address, len) = (fields.u64()?, fields.u64()?);
        let done = match flags {
            0 => self.memory.remove(address, len),
            ALL if address == 0 && len == 0 => {
                self.memory.clear();
                Ok(())
            }
            _ if flags & DIRTY_PAGES != 0 => Err(Errno::NotSupported),
            _ => Err(Errno::Invalid),
        };
        Some(done.map(|()| payload[..24].to_vec()))
    }

    fn irq_info(&self, fields: &mut Fields<'_>) -> Option<Vec<u8>> {
        const EVENTFD: u32 = 1;
        const MASKABLE: u32 = 2;
        const AUTOMASKED: u32 = 4;
        const NORESIZE: u32 = 8;
        let (_argsz, _flags, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let flags = match index {
            IRQ_INTX => EVENTFD | MASKABLE | AUTOMASKED,
            IRQ_MSIX => EVENTFD | NORESIZE,
            _ => 0,
        };
        let count = self.interrupts.count(index)?;
        Some(Payload::default().u32(16).u32(flags).u32(index).u32(count).0)
    }

    fn set_irqs(&mut self, fields: &mut Fields<'_>, fds: Vec<OwnedFd>) -> Option<Reply> {
        let (_argsz, flags, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let set = Set { flags, index, start: fields.u32()?, count: fields.u32()? };
        Some(self.interrupts.set(set, fields.0, fds).map(|()| Vec::new()))
    }
}

fn region_size(region: u32, model: &impl Model) -> Option<u64> {
    match region {
        REGION_CONFIG => Some(CONFIG_BYTES),
        _ => (region < REGIONS).then(|| model.bars().get(region as usize).map_or(0, |bar| bar.size)),
    }
}

fn region_info(fields: &mut Fields<'_>, model: &impl Model) -> Option<Vec<u8>> {
    const READ_WRITE: u32 = 3;
    const BYTES: u32 = 32;
    let (argsz, _flags, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let size = region_size(index, model).filter(|_| argsz >= BYTES)?;
    let flags = if size > 0 { READ_WRITE } else { 0 };
    Some(Payload::default().u32(BYTES).u32(flags).u32(index).u32(0).u64(size).u64(0).0)
}

/// An access that lies in its region and is not too large.
fn access(fields: &mut Fields<'_>, model: &impl Model) -> Result<Access, Errno> {
    let access = Access::parse(fields).ok_or(Errno::Invalid)?;
    let size = region_size(access.region, model).ok_or(Errno::Invalid)?;
    let end = access.offset.checked_add(u64::from(access.count));
    match end {
        _ if access.count as usize > TRANSFER_MAX => Err(Errno::TooBig),
        Some(end) if end <= size => Ok(access),
        _ => Err(Errno::Invalid),
    }
}

fn read(fields: &mut Fields<'_>, model: &mut impl Model) -> Reply {
    let access = access(fields, model)?;
    let mut reply = access.payload().0;
    let head = reply.len();
    reply.resize(head + access.count as usize, 0);
    match access.region {
        REGION_CONFIG => model.read_config(access.offset as u16, &mut reply[head..]),
        bar => model.read(bar as u8, access.offset, &mut reply[head..]),
    }
    Ok(reply)
}

fn write(fields: &mut Fields<'_>, model: &mut impl Model) -> Reply {
    let access = access(fields, model)?;
    let bytes = fields.bytes(access.count as usize).ok_or(Errno::Invalid)?;
    apply(access, bytes, model);
    Ok(access.payload().0)
}

fn apply(access: Access, bytes: &[u8], model: &mut impl Model) {
    match access.region {
        REGION_CONFIG => model.write_config(access.offset as u16, bytes),
        bar => model.write(bar as u8, access.offset, bytes),
    }
}

/// Several writes of up to 8 bytes, up to the first that makes no sense.
fn write_many(fields: &mut Fields<'_>, model: &mut impl Model) -> Option<Vec<u8>> {
    let count = fields.u64()?;
    let mut done = 0;
    while done < count {
        let Some((access, data)) = access(fields, model).ok().zip(fields.bytes(8)) else { break };
        let Some(bytes) = data.get(..access.count as usize) else { break };
        apply(access, bytes, model);
        done += 1;
    }
    (done > 0 || count == 0).then(|| Payload::default().u64(done).0)
}

impl Bus for Session {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let len = into.len();
        let fault = Fault { address, len };
        let mut done = 0;
        while done < len {
            let at = address.checked_add(done as u64).ok_or(fault)?;
            let piece = self.memory.piece(at, false).ok_or(fault)?;
            let end = len.min(done.saturating_add(usize::try_from(piece.room).unwrap_or(usize::MAX)));
            let part = &mut into[done..end];
            let read = match piece.memory {
                Some(memory) => memory.read(piece.at, part),
                None => self.link.read(at, part),
            };
            done = if read { end } else { return Err(fault) };
        }
        Ok(())
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let len = from.len();
        let fault = Fault { address, len };
        let mut done = 0;
        while done < len {
            let at = address.checked_add(done as u64).ok_or(fault)?;
            let piece = self.memory.piece(at, true).ok_or(fault)?;
            let end = len.min(done.saturating_add(usize::try_from(piece.room).unwrap_or(usize::MAX)));
            let part = &from[done..end];
            let written = match piece.memory {
                Some(memory) => memory.write(piece.at, part),
                None => self.link.write(at, part),
            };
            done = if written { end } else { return Err(fault) };
        }
        Ok(())
    }

    fn interrupt(&mut self, vector: u16) {
        self.interrupts.fire(vector);
    }
}
