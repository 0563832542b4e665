//! What the system knows of its PCI functions, and whose they are. All of it is read from and written to `/sys/bus/pci`.
use crate::Error;
use std::path::{Path, PathBuf};

/// The system's files; another root for tests.
#[derive(Clone, Debug)]
pub struct Sysfs {
    root: PathBuf,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// `0000:3b:00.0`.
    pub address: String,
    /// Who made it.
    pub vendor: u16,
    /// What it is.
    pub device: u16,
    /// Who made the board, and which it is.
    pub subsystem: (u16, u16),
    /// Class, subclass and programming interface.
    pub class: u32,
    /// The kernel's driver that has it.
    pub driver: Option<String>,
    /// Functions with the same number cannot be told apart by the IOMMU; none: no IOMMU is in use.
    pub iommu_group: Option<u32>,
    /// Its name below `/dev/vfio/devices`, where the kernel has that door.
    pub vfio_device: Option<String>,
    /// The memory node that it is near to.
    pub numa_node: Option<u32>,
}

/// What is said where functions are not kept from all memory.
pub(crate) const NO_IOMMU: &str =
    "no IOMMU is in use: turn VT-d or AMD-Vi on in the firmware's setup, and boot with intel_iommu=on (Intel)";
/// The driver that gives functions to processes.
pub const VFIO_DRIVER: &str = "vfio-pci";

impl Default for Sysfs {
    fn default() -> Self {
        Sysfs::at("/")
    }
}

impl Sysfs {
    /// The files below another root.
    pub fn at(root: impl Into<PathBuf>) -> Sysfs {
        Sysfs { root: root.into() }
    }

    /// A file of the system.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn function(&self, address: &str) -> PathBuf {
        self.path("sys/bus/pci/devices").join(address)
    }

    /// What there is to know of a function.
    ///
    /// # Errors
    /// There is none at this address.
    pub fn inspect(&self, address: &str) -> Result<Inspection, Error> {
        let address = normal(address)?;
        let dir = self.function(&address);
        let number = |name: &str| number(&dir.join(name));
        let (Some(vendor), Some(device)) = (number("vendor"), number("device")) else {
            return Err(unusable(&address, "there is no such PCI function; `lspci -Dnn` lists all".into()));
        };
        let half = |name: &str| number(name).unwrap_or(0) as u16;
        Ok(Inspection {
            vendor: vendor as u16,
            device: device as u16,
            subsystem: (half("subsystem_vendor"), half("subsystem_device")),
            class: number("class").unwrap_or(0),
            driver: link(&dir.join("driver")),
            iommu_group: link(&dir.join("iommu_group")).and_then(|name| name.parse().ok()),
            vfio_device: first(&dir.join("vfio-dev")),
            numa_node: text(&dir.join("numa_node")).and_then(|node| node.parse().ok()),
            address,
        })
    }

    /// All functions of a maker that are one of these devices, by address.
    pub fn find(&self, vendor: u16, devices: &[u16]) -> Vec<Inspection> {
        let entries = std::fs::read_dir(self.path("sys/bus/pci/devices")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let functions = names.filter_map(|name| self.inspect(&name).ok());
        let wanted = |f: &Inspection| f.vendor == vendor && devices.contains(&f.device);
        let mut found: Vec<Inspection> = functions.filter(wanted).collect();
        found.sort_by(|a, b| a.address.cmp(&b.address));
        found
    }

    /// The other functions of a group, with their drivers.
    pub fn group(&self, group: u32) -> Vec<Inspection> {
        let entries = std::fs::read_dir(self.path(&format!("sys/kernel/iommu_groups/{group}/devices")));
        let names = entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| self.inspect(&name).ok()).collect()
    }

    /// Takes a function from the kernel's driver and gives it to [`VFIO_DRIVER`], so that a process can have it: what qfc.conf calls
    /// `UnbindFromKernel`. It stays so until [`release`](Self::release) or a restart of the system. Whatever is on its disks is cut off.
    ///
    /// # Errors
    /// There is no such function, we may not (it needs root), or the kernel has no such driver.
    pub fn take_over(&self, address: &str) -> Result<Inspection, Error> {
        let before = self.inspect(address)?;
        if before.driver.as_deref() == Some(VFIO_DRIVER) {
            return Ok(before);
        }
        if before.iommu_group.is_none() {
            return Err(unusable(&before.address, NO_IOMMU.into()));
        }
        if !self.path("sys/bus/pci/drivers").join(VFIO_DRIVER).exists() {
            return Err(unusable(&before.address, "the kernel's vfio-pci is not loaded: run modprobe vfio-pci".into()));
        }
        self.hand_over(&before, &format!("{VFIO_DRIVER}\n"))
    }

    /// Gives a function back to the kernel's own choice of driver.
    ///
    /// # Errors
    /// As [`take_over`](Self::take_over).
    pub fn release(&self, address: &str) -> Result<Inspection, Error> {
        let before = self.inspect(address)?;
        self.hand_over(&before, "\n")
    }

    fn hand_over(&self, of: &Inspection, driver: &str) -> Result<Inspection, Error> {
        let dir = self.function(&of.address);
        let write = |file: &Path, what: &str| {
            let failed = |e: std::io::Error| {
                let way =
                    format!("{}: {e}: it needs root: run sudo scripts/setup.sh bind {}", file.display(), of.address);
                unusable(&of.address, way)
            };
            std::fs::OpenOptions::new()
                .write(true)
                .open(file)
                .and_then(|mut file| std::io::Write::write_all(&mut file, what.as_bytes()))
                .map_err(failed)
        };
        write(&dir.join("driver_override"), driver)?;
        if of.driver.is_some() {
            write(&dir.join("driver/unbind"), &of.address)?;
        }
        write(&self.path("sys/bus/pci/drivers_probe"), &of.address)?;
        self.inspect(&of.address)
    }
}

/// What there is to know of a function of this system; see [`Sysfs::inspect`].
///
/// # Errors
/// There is none at this address.
pub fn inspect(address: &str) -> Result<Inspection, Error> {
    Sysfs::default().inspect(address)
}

/// The functions of this system that are one of these devices; see [`Sysfs::find`].
pub fn find(vendor: u16, devices: &[u16]) -> Vec<Inspection> {
    Sysfs::default().find(vendor, devices)
}

pub(crate) fn unusable(address: &str, reason: String) -> Error {
    Error::Unusable { address: address.into(), reason }
}

/// An address as the system writes it: `3b:00.0` is `0000:3b:00.0`.
fn normal(address: &str) -> Result<String, Error> {
    let text = address.to_ascii_lowercase();
    let text = if text.matches(':').count() == 1 { format!("0000:{text}") } else { text };
    let hex = |part: &str, len: usize| part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = text.split([':', '.']).collect();
    match parts[..] {
        [domain, bus, slot, function] if hex(domain, 4) && hex(bus, 2) && hex(slot, 2) && hex(function, 1) => Ok(text),
        _ => Err(unusable(address, "this is no PCI address; one looks like 0000:3b:00.0".into())),
    }
}

fn text(path: &Path) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_string())
}

fn number(path: &Path) -> Option<u32> {
    u32::from_str_radix(text(path)?.trim_start_matches("0x"), 16).ok()
}

/// The name of what a link points to.
fn link(path: &Path) -> Option<String> {
    Some(std::fs::read_link(path).ok()?.file_name()?.to_str()?.to_string())
}

/// The name of what a folder has.
fn first(path: &Path) -> Option<String> {
    std::fs::read_dir(path).ok()?.flatten().next()?.file_name().into_string().ok()
}
