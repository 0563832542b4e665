//! A device behind a vfio-user socket, to be driven.
use crate::channel::Channel;
use crate::connection::{Connection, Failure};
use crate::message::{Access, Command, Fields, IRQ_MSIX, IRQS, Payload, REGION_CONFIG, REGIONS, irq_set};
use crate::version::{self, DESCRIPTORS_MAX};
use dma::{Arena, Part, Watcher};
use os::EventFd;
use pci::{BARS, Device, Error, Registers};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Weak};

/// A device whose model is behind a socket. Reads of registers wait for the server, up to [`crate::connection::PATIENCE`]; writes do not. So the
/// server must not be polled by the thread that drives the device.
#[derive(Debug)]
pub struct Client {
    address: String,
    connection: Arc<Connection>,
    /// Bytes of each region.
    regions: [u64; REGIONS as usize],
    vectors: u32,
    /// Descriptors that the server takes with one message.
    descriptors: usize,
    /// The arenas that it may reach, and who tells it of their growth.
    arenas: Vec<(Arc<Arena>, Arc<Sharing>)>,
}

type Answer = Result<Vec<u8>, Failure>;

impl Client {
    /// Connects, and learns what the device is like.
    ///
    /// # Errors
    /// Nobody serves the socket, it has another client, or it is no PCI function.
    pub fn connect(path: &Path) -> Result<Client, Error> {
        let address = format!("vfio-user:{}", path.display());
        let unusable = |reason: String| Error::Unusable { address: address.clone(), reason };
        let channel = UnixStream::connect(path).and_then(Channel::new);
        let channel = channel.map_err(|e| unusable(format!("cannot connect: {e}: does its server run?")))?;
        let connection = Arc::new(Connection::new(channel));
        let (regions, vectors, descriptors) = (Default::default(), 0, 1);
        let mut client =
            Client { address: address.clone(), connection, regions, vectors, descriptors, arenas: Vec::new() };
        match client.learn() {
            Ok(()) => Ok(client),
            Err(Failure::Gone(why)) => Err(unusable(format!("{why}: it may have another client"))),
            Err(refused) => Err(unusable(refused.sentence())),
        }
    }

    fn learn(&mut self) -> Result<(), Failure> {
        let reply = self.ask(Command::Version, &version::payload(1, version::ours()), &[])?;
        let (_, theirs) = version::parse(&reply).map_err(|_| self.nonsense())?;
        self.descriptors = (theirs.max_msg_fds as usize).clamp(1, DESCRIPTORS_MAX);
        let reply = self.ask(Command::GetInfo, &Payload::default().u32(16).u32(0).u32(0).u32(0).0, &[])?;
        let (regions, irqs) = parse_info(&reply).ok_or_else(|| self.connection.give_up("it is no PCI function"))?;
        for index in 0..regions.min(REGIONS) {
            let asked = Payload::default().u32(32).u32(0).u32(index).u32(0).u64(0).u64(0);
            let reply = self.ask(Command::GetRegionInfo, &asked.0, &[])?;
            self.regions[index as usize] = parse_region(&reply, index).ok_or_else(|| self.nonsense())?;
        }
        if irqs > IRQ_MSIX {
            let reply =
                self.ask(Command::GetIrqInfo, &Payload::default().u32(16).u32(0).u32(IRQ_MSIX).u32(0).0, &[])?;
            self.vectors = parse_irq(&reply).ok_or_else(|| self.nonsense())?;
        }
        Ok(())
    }

    fn ask(&self, command: Command, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Answer {
        self.connection.ask(command, payload, fds)
    }

    fn nonsense(&self) -> Failure {
        self.connection.give_up("its answer makes no sense")
    }

    fn error(&self, failure: &Failure) -> Error {
        let (address, reason) = (self.address.clone(), failure.sentence());
        match failure {
            Failure::Gone(_) => Error::Gone { address, reason },
            Failure::Refused(_) => Error::Unusable { address, reason },
        }
    }

    fn unusable(&self, reason: String) -> Error {
        Error::Unusable { address: self.address.clone(), reason }
    }

    fn alive(&self) -> Result<(), Error> {
        match self.connection.is_gone() {
            true => Err(self.error(&self.connection.give_up("it ended"))),
            false => Ok(()),
        }
    }
}

/// Numbers of regions and of kinds of interrupts.
fn parse_info(reply: &[u8]) -> Option<(u32, u32)> {
    const PCI: u32 = 2;
    let mut fields = Fields(reply);
    let (_argsz, flags) = (fields.u32()?, fields.u32()?);
    let (regions, irqs) = (fields.u32()?, fields.u32()?);
    (flags & PCI != 0 && regions > REGION_CONFIG && irqs <= 16 * IRQS).then_some((regions, irqs))
}

fn parse_region(reply: &[u8], asked: u32) -> Option<u64> {
    let mut fields = Fields(reply);
    let (_argsz, _flags, index, _caps) = (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
    fields.u64().filter(|_| index == asked)
}

fn parse_irq(reply: &[u8]) -> Option<u32> {
    let mut fields = Fields(reply);
    let (_argsz, _flags, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
    fields.u32().filter(|_| index == IRQ_MSIX)
}

/// Reads from a region.
fn read(connection: &Connection, region: u32, offset: u64, into: &mut [u8]) -> Result<(), Failure> {
    let access = Access { offset, region, count: into.len() as u32 };
    let reply = connection.ask(Command::RegionRead, &access.payload().0, &[])?;
    let mut fields = Fields(&reply);
    let same = Access::parse(&mut fields) == Some(access);
    let bytes = fields.bytes(into.len()).filter(|_| same);
    let bytes = bytes.ok_or_else(|| connection.give_up("it read something else"))?;
    into.copy_from_slice(bytes);
    Ok(())
}

/// The payload of a write to a region.
fn written(region: u32, offset: u64, from: &[u8]) -> Vec<u8> {
    Access { offset, region, count: from.len() as u32 }.payload().bytes(from).0
}

impl Device for Client {
    fn address(&self) -> String {
        self.address.clone()
    }

    fn read_config(&mut self, offset: u16, into: &mut [u8]) -> Result<(), Error> {
        read(&self.connection, REGION_CONFIG, offset.into(), into).map_err(|failure| self.error(&failure))
    }

    fn write_config(&mut self, offset: u16, from: &[u8]) -> Result<(), Error> {
        let asked = written(REGION_CONFIG, offset.into(), from);
        self.ask(Command::RegionWrite, &asked, &[]).map(drop).map_err(|failure| self.error(&failure))
    }

    fn bar(&mut self, index: u8) -> Result<Arc<dyn Registers>, Error> {
        self.alive()?;
        let has = usize::from(index) < BARS && self.regions[usize::from(index)] > 0;
        if !has {
            return Err(self.unusable(format!("it has no BAR {index}")));
        }
        Ok(Arc::new(Bar { connection: self.connection.clone(), region: index.into() }))
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.ask(Command::Reset, &[], &[]).map(drop).map_err(|failure| self.error(&failure))
    }

    fn map(&mut self, arena: &Arc<Arena>) -> Result<(), Error> {
        if self.arenas.iter().any(|(known, _)| Arc::ptr_eq(known, arena)) {
            return Ok(());
        }
        let sharing = Arc::new(Sharing(self.connection.clone()));
        let weak: Weak<Sharing> = Arc::downgrade(&sharing);
        arena.watch(weak).map_err(|e| self.unusable(e.to_string()))?;
        self.alive()?;
        self.arenas.push((arena.clone(), sharing));
        Ok(())
    }

    fn interrupts(&mut self, count: u16) -> Result<Vec<OwnedFd>, Error> {
        self.alive()?;
        if u32::from(count) > self.vectors {
            return Err(self.unusable(format!("it has {} vectors, not {count}", self.vectors)));
        }
        let made: std::io::Result<Vec<OwnedFd>> = (0..count).map(|_| EventFd::new().map(EventFd::into_fd)).collect();
        let events = made.map_err(|e| self.unusable(e.to_string()))?;
        for (i, some) in events.chunks(self.descriptors).enumerate() {
            let flags = irq_set::EVENTFD | irq_set::TRIGGER;
            let start = (i * self.descriptors) as u32;
            let asked = Payload::default().u32(20).u32(flags).u32(IRQ_MSIX).u32(start).u32(some.len() as u32);
            let fds: Vec<BorrowedFd<'_>> = some.iter().map(AsFd::as_fd).collect();
            self.ask(Command::SetIrqs, &asked.0, &fds).map_err(|failure| self.error(&failure))?;
        }
        Ok(events)
    }
}

/// Tells the server what the arena has.
#[derive(Debug)]
struct Sharing(Arc<Connection>);

impl Watcher for Sharing {
    fn added(&self, part: &Part) -> Result<(), String> {
        const READ_WRITE: u32 = 3;
        let Some((file, offset)) = &part.file else {
            return Err(
                "its memory has no file that could be shared: use huge pages, or a single memory file (-g)".into()
            );
        };
        let asked = Payload::default().u32(32).u32(READ_WRITE).u64(*offset).u64(part.address).u64(part.len);
        match self.0.ask(Command::DmaMap, &asked.0, &[file.as_fd()]) {
            Ok(_) => Ok(()),
            // Memory is not refused to everybody because one device is gone.
            Err(Failure::Gone(_)) => Ok(()),
            Err(refused) => Err(refused.sentence()),
        }
    }

    fn withdrawn(&self, part: &Part) {
        let asked = Payload::default().u32(24).u32(0).u64(part.address).u64(part.len);
        // It is not used; whether the server forgets it does not matter.
        let _ = self.0.ask(Command::DmaUnmap, &asked.0, &[]);
    }
}

#[derive(Debug)]
struct Bar {
    connection: Arc<Connection>,
    region: u32,
}

impl Bar {
    fn read<const N: usize>(&self, offset: u32) -> [u8; N] {
        let mut value = [0; N];
        match read(&self.connection, self.region, offset.into(), &mut value) {
            Ok(()) => value,
            Err(_) => [0xFF; N],
        }
    }

    fn write(&self, offset: u32, value: &[u8]) {
        // To a device that is gone: as on a bus, nobody notices.
        let _ = self.connection.post(Command::RegionWrite, &written(self.region, offset.into(), value));
    }
}

impl Registers for Bar {
    fn read16(&self, offset: u32) -> u16 {
        u16::from_le_bytes(self.read(offset))
    }

    fn write16(&self, offset: u32, value: u16) {
        self.write(offset, &value.to_le_bytes());
    }

    fn read32(&self, offset: u32) -> u32 {
        u32::from_le_bytes(self.read(offset))
    }

    fn write32(&self, offset: u32, value: u32) {
        self.write(offset, &value.to_le_bytes());
    }
}
