//! Functions of this machine, by the kernel's VFIO.
//!
//! - Owns: the descriptors of one function and the mappings of its BARs; the kernel gives all back when they are closed.
//! - In: a PCI address. Out: [`Vfio`], a [`Device`]. What stands in the way is said in a sentence with the command that mends it.
//! - Limits: memory is mapped where the process has it, so an IOMMU must be in use and reach those addresses; 256 vectors.
//! - Not done: no-IOMMU mode. A device sees physical addresses there, and our drivers give it those of the process.
//!
//! Seen to work by group and container in a guest of QEMU's with an emulated IOMMU and NVMe controller (`examples/vfio_nvme.rs`). **Not run on
//! hardware; iommufd was never run.**
use crate::sysfs::{Inspection, NO_IOMMU, Sysfs, VFIO_DRIVER, unusable};
use crate::{BARS, Device, Error, Registers};
use dma::{Arena, Part, Watcher};
use os::{Container, EventFd, Group, Iommufd, Reach, RegionInfo, VfioBar, VfioDevice};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

/// Number of the region that is configuration space.
const CONFIG: u32 = 7;

/// A function that the kernel has given us.
#[derive(Debug)]
pub struct Vfio {
    about: Inspection,
    device: VfioDevice,
    config: RegionInfo,
    can_reset: bool,
    tables: Arc<Tables>,
    /// Kept open for as long as the device.
    _group: Option<Group>,
    /// The arenas that it may reach.
    arenas: Vec<Arc<Arena>>,
}

/// The page tables of its IOMMU.
#[derive(Debug)]
enum Door {
    Group(Container),
    Iommufd(Iommufd),
}

#[derive(Debug)]
struct Tables {
    door: Door,
    reach: Reach,
}

impl Vfio {
    /// Takes a function that is bound to vfio-pci.
    ///
    /// # Errors
    /// Why not, and what would mend it.
    pub fn open(address: &str) -> Result<Vfio, Error> {
        Vfio::open_in(&Sysfs::default(), address)
    }

    /// As [`open`](Self::open), with the system's files elsewhere.
    ///
    /// # Errors
    /// As there.
    pub fn open_in(sysfs: &Sysfs, address: &str) -> Result<Vfio, Error> {
        let about = sysfs.inspect(address)?;
        ready(sysfs, &about)?;
        let (device, door, group) = match by_iommufd(sysfs, &about)? {
            Some((device, iommufd)) => (device, Door::Iommufd(iommufd), None),
            None => by_group(sysfs, &about)?,
        };
        Vfio::set_up(about, device, door, group)
    }

    fn set_up(about: Inspection, device: VfioDevice, door: Door, group: Option<Group>) -> Result<Vfio, Error> {
        let failed = |what: &str, e: io::Error| unusable(&about.address, format!("{what}: {e}"));
        let (is_pci, can_reset) = device.info().map_err(|e| failed("the kernel does not describe it", e))?;
        if !is_pci {
            return Err(unusable(&about.address, "it is no PCI function".into()));
        }
        let config = device.region(CONFIG).map_err(|e| failed("it has no configuration space", e))?;
        let reach = match &door {
            Door::Group(container) => container.reach(),
            Door::Iommufd(iommufd) => iommufd.reach(),
        };
        let reach = reach.map_err(|e| failed("the IOMMU does not say what it reaches", e))?;
        let mut vfio = Vfio {
            about,
            device,
            config,
            can_reset,
            tables: Arc::new(Tables { door, reach }),
            _group: group,
            arenas: Vec::new(),
        };
        vfio.enable()?;
        Ok(vfio)
    }

    /// Turns memory decoding and bus mastering on, as a kernel's driver does at first.
    fn enable(&mut self) -> Result<(), Error> {
        const COMMAND: u16 = 4;
        const MEMORY_AND_MASTER: u8 = 6;
        let mut command = [0; 2];
        self.read_config(COMMAND, &mut command)?;
        command[0] |= MEMORY_AND_MASTER;
        self.write_config(COMMAND, &command)
    }

    /// What the system says of it.
    pub fn about(&self) -> &Inspection {
        &self.about
    }

    fn failed(&self, what: &str, e: &io::Error) -> Error {
        let (address, reason) = (self.about.address.clone(), format!("{what}: {e}"));
        match e.raw_os_error() {
            Some(libc_errno::ENODEV | libc_errno::EIO) => Error::Gone { address, reason },
            _ => Error::Unusable { address, reason },
        }
    }
}

/// The system's numbers that mean that a device is not there any more.
mod libc_errno {
    pub const EIO: i32 = 5;
    pub const ENODEV: i32 = 19;
}

/// Whether VFIO has the function and an IOMMU guards it.
fn ready(sysfs: &Sysfs, about: &Inspection) -> Result<(), Error> {
    let bind = format!("run scripts/setup.sh bind {}", about.address);
    let say = |reason: String| Err(unusable(&about.address, reason));
    let Some(group) = about.iommu_group else { return say(NO_IOMMU.into()) };
    match about.driver.as_deref() {
        Some(VFIO_DRIVER) => {}
        Some(driver) => return say(format!("it is in the kernel driver {driver}'s hands: {bind}")),
        None => return say(format!("no driver has it: {bind}")),
    }
    if sysfs.path(&format!("dev/vfio/noiommu-{group}")).exists() {
        return say("it is in no-IOMMU mode, which cannot be used: devices must see memory where the process sees it. Turn the IOMMU on".into());
    }
    let others: Vec<String> = sysfs
        .group(group)
        .iter()
        .filter(|other| other.address != about.address && other.class >> 16 != 6)
        .filter_map(|other| {
            Some(format!("{} ({})", other.address, other.driver.as_ref().filter(|d| *d != VFIO_DRIVER)?))
        })
        .collect();
    match others.is_empty() {
        true => Ok(()),
        false => say(format!(
            "IOMMU group {group} has other functions that kernel drivers hold: {}: bind them, too",
            others.join(", ")
        )),
    }
}

/// What to do when a file of VFIO's cannot be opened.
fn door(about: &Inspection, path: &str, e: &io::Error) -> Error {
    let why = match e.kind() {
        ErrorKind::PermissionDenied => format!("{path}: we may not: run as root, or give this user the file (chown)"),
        ErrorKind::ResourceBusy => format!("{path}: another process has it"),
        ErrorKind::NotFound => format!("{path} is missing: run modprobe vfio-pci vfio_iommu_type1"),
        _ => format!("{path}: {e}"),
    };
    unusable(&about.address, why)
}

/// By the newer door, where the kernel has it.
fn by_iommufd(sysfs: &Sysfs, about: &Inspection) -> Result<Option<(VfioDevice, Iommufd)>, Error> {
    let Some(name) = about.vfio_device.as_ref().filter(|_| sysfs.path("dev/iommu").exists()) else { return Ok(None) };
    let path = format!("/dev/vfio/devices/{name}");
    if !sysfs.path(&path).exists() {
        return Ok(None);
    }
    let device = VfioDevice::open(&sysfs.path(&path)).map_err(|e| door(about, &path, &e))?;
    let iommufd = Iommufd::open().map_err(|e| door(about, "/dev/iommu", &e))?;
    iommufd.attach(device.fd()).map_err(|e| no_tables(about, &e))?;
    Ok(Some((device, iommufd)))
}

type Opened = (VfioDevice, Door, Option<Group>);

fn by_group(sysfs: &Sysfs, about: &Inspection) -> Result<Opened, Error> {
    let number = about.iommu_group.unwrap_or_default();
    let path = format!("/dev/vfio/{number}");
    let group = Group::open(&sysfs.path(&path)).map_err(|e| door(about, &path, &e))?;
    let container = Container::open().map_err(|e| door(about, "/dev/vfio/vfio", &e))?;
    let viable = group.is_viable().map_err(|e| door(about, &path, &e))?;
    if !viable {
        let why = format!(
            "IOMMU group {number} is not vfio-pci's alone: bind its other functions, too (ls /sys/kernel/iommu_groups/{number}/devices)"
        );
        return Err(unusable(&about.address, why));
    }
    group.join(&container).map_err(|e| no_tables(about, &e))?;
    container.set_iommu().map_err(|e| no_tables(about, &e))?;
    let device = group.device(&about.address);
    let device = device.map_err(|e| unusable(&about.address, format!("the kernel does not give it: {e}")))?;
    Ok((device, Door::Group(container), Some(group)))
}

fn no_tables(about: &Inspection, e: &io::Error) -> Error {
    let why = match e.kind() {
        ErrorKind::ResourceBusy => "another process has it".into(),
        ErrorKind::PermissionDenied => {
            "the kernel refuses its IOMMU: interrupt remapping may be missing (see the kernel's log)".into()
        }
        _ => format!("the kernel refuses its IOMMU: {e}"),
    };
    unusable(&about.address, why)
}

impl Tables {
    fn map(&self, address: u64, len: u64) -> Result<(), String> {
        if !self.reach.covers(address, len) {
            return Err(out_of_reach(&self.reach, address, len));
        }
        let mapped = match &self.door {
            Door::Group(container) => container.map(address, len),
            Door::Iommufd(iommufd) => iommufd.map(address, len),
        };
        mapped.map_err(|e| match e.kind() {
            ErrorKind::OutOfMemory | ErrorKind::QuotaExceeded => {
                format!("{len} bytes cannot be locked: raise the limit (ulimit -l unlimited, LimitMEMLOCK=infinity) or run as root")
            }
            _ => format!("{len} bytes at {address:#x} cannot be mapped for it: {e}"),
        })
    }
}

fn out_of_reach(reach: &Reach, address: u64, len: u64) -> String {
    match reach.last() {
        Some(last) if last < address.saturating_add(len) => {
            let bits = 64 - last.leading_zeros();
            format!(
                "its IOMMU reaches addresses of {bits} bits only, and memory is at {address:#x}: a virtual IOMMU may be given more (aw-bits=48)"
            )
        }
        _ => format!("its IOMMU does not reach {len} bytes at {address:#x}"),
    }
}

impl Watcher for Tables {
    fn added(&self, part: &Part) -> Result<(), String> {
        self.map(part.address, part.len)
    }

    fn withdrawn(&self, part: &Part) {
        let unmapped = match &self.door {
            Door::Group(container) => container.unmap(part.address, part.len),
            Door::Iommufd(iommufd) => iommufd.unmap(part.address, part.len),
        };
        if let Err(e) = unmapped {
            log::warn!(target: "pci", "memory stays mapped for a device: {e}");
        }
    }
}

impl Device for Vfio {
    fn address(&self) -> String {
        self.about.address.clone()
    }

    fn read_config(&mut self, offset: u16, into: &mut [u8]) -> Result<(), Error> {
        let read = self.device.read(self.config, offset.into(), into);
        read.map_err(|e| self.failed("its configuration space", &e))
    }

    fn write_config(&mut self, offset: u16, from: &[u8]) -> Result<(), Error> {
        let written = self.device.write(self.config, offset.into(), from);
        written.map_err(|e| self.failed("its configuration space", &e))
    }

    fn bar(&mut self, index: u8) -> Result<Arc<dyn Registers>, Error> {
        let none = || unusable(&self.about.address, format!("it has no BAR {index}"));
        if usize::from(index) >= BARS {
            return Err(none());
        }
        let region = self.device.region(index.into()).map_err(|e| self.failed("its regions", &e))?;
        if region.size == 0 {
            return Err(none());
        }
        let bar = self.device.map(region).map_err(|e| self.failed(&format!("BAR {index}"), &e))?;
        Ok(Arc::new(Bar(bar)))
    }

    fn reset(&mut self) -> Result<(), Error> {
        if !self.can_reset {
            return Err(unusable(&self.about.address, "the kernel knows no way to reset it".into()));
        }
        self.device.reset().map_err(|e| self.failed("reset", &e))?;
        self.enable()
    }

    fn map(&mut self, arena: &Arc<Arena>) -> Result<(), Error> {
        if self.arenas.iter().any(|known| Arc::ptr_eq(known, arena)) {
            return Ok(());
        }
        let weak: Weak<Tables> = Arc::downgrade(&self.tables);
        arena.watch(weak).map_err(|e| unusable(&self.about.address, e.to_string()))?;
        self.arenas.push(arena.clone());
        Ok(())
    }

    fn interrupts(&mut self, count: u16) -> Result<Vec<OwnedFd>, Error> {
        let has = self.device.vectors().map_err(|e| self.failed("its interrupts", &e))?;
        if u32::from(count) > has {
            return Err(unusable(&self.about.address, format!("it has {has} vectors, not {count}")));
        }
        let made: io::Result<Vec<OwnedFd>> = (0..count).map(|_| EventFd::new().map(EventFd::into_fd)).collect();
        let events = made.map_err(|e| self.failed("interrupts", &e))?;
        let fds: Vec<BorrowedFd<'_>> = events.iter().map(AsFd::as_fd).collect();
        self.device.set_vectors(&fds).map_err(|e| self.failed("MSI-X", &e))?;
        Ok(events)
    }
}

/// A BAR in this process.
struct Bar(VfioBar);

impl Registers for Bar {
    fn read16(&self, offset: u32) -> u16 {
        self.0.read16(offset)
    }

    fn write16(&self, offset: u32, value: u16) {
        self.0.write16(offset, value);
    }

    fn read32(&self, offset: u32) -> u32 {
        self.0.read32(offset)
    }

    fn write32(&self, offset: u32, value: u32) {
        self.0.write32(offset, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_the_iommu_cannot_reach_is_named_with_the_remedy() {
        let narrow = Reach { ranges: vec![0..=0xFEDF_FFFF, 0xFEF0_0000..=(1 << 39) - 1] };
        let said = out_of_reach(&narrow, 0x7F00_0000_0000, 1 << 21);
        assert!(said.contains("39 bits") && said.contains("0x7f0000000000"), "{said}");
        assert!(!out_of_reach(&narrow, 0xFEE0_0000, 4096).contains("bits"), "the hole for interrupts");
    }
}
