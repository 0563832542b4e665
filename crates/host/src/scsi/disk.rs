//! A target's logical units, over FCP or iSCSI, and one of them as a disk.

use super::path::Path;
use super::{Answer, Cdb, Transfer};
use crate::{Error, IscsiAddress, Namespace, Options, Queue, Result, ScsiAddress};
use fc::Names;
use wire::scsi::inquiry::Standard;
use wire::scsi::parse_lun;
use wire::scsi::report::{Capacity16, LunList};

/// Bytes of a control command's buffer: REPORT LUNS of 2,047 units.
const CONTROL: u32 = 16 << 10;

/// A login with a target for SCSI.
pub struct Target {
    path: Path,
}

impl Target {
    /// Logs in.
    ///
    /// # Errors
    /// No fabric, no such port on it, or it takes no FCP logins.
    pub fn connect(target: Names, options: &Options) -> Result<Target> {
        Ok(Target { path: Path::fcp(target, options)? })
    }

    /// Logs in over iSCSI; the number in `address` does not matter.
    ///
    /// # Errors
    /// The portal cannot be reached, or it refuses the login.
    pub fn connect_iscsi(address: &IscsiAddress, options: &Options) -> Result<Target> {
        Ok(Target { path: Path::iscsi(address, options)? })
    }

    /// A queue of commands to a unit.
    ///
    /// # Errors
    /// No memory; over iSCSI, where a queue is a session of its own, as [`Target::connect_iscsi`].
    pub fn queue(&self, lun: u16, slots: u16, buffer: u32) -> Result<Queue> {
        self.path.queue(lun, slots, buffer)
    }

    /// One command, waited for, whatever comes of it; what was read goes into `data`.
    ///
    /// # Errors
    /// The login is gone, or no answer came in time.
    pub fn command(&self, lun: u16, cdb: Cdb, data: &mut [u8]) -> Result<Answer> {
        self.transfer(lun, cdb, if data.is_empty() { Transfer::None } else { Transfer::In(data) })
    }

    /// One command with data in either direction, waited for, whatever comes of it.
    ///
    /// # Errors
    /// As [`Target::command`].
    pub fn transfer(&self, lun: u16, cdb: Cdb, transfer: Transfer<'_>) -> Result<Answer> {
        self.path.transfer(lun, cdb, transfer, CONTROL)
    }

    /// As [`Target::command`], past unit attentions; anything but GOOD is an error.
    ///
    /// # Errors
    /// As [`Target::command`]; what the unit answered.
    pub fn must(&self, what: &str, lun: u16, cdb: Cdb, data: &mut [u8]) -> Result<()> {
        let mut last = None;
        for _ in 0..super::TRIES {
            let answer = self.command(lun, cdb, data)?;
            if answer.is_good() {
                return Ok(());
            }
            let passing = answer.is_passing();
            last = Some(answer);
            if !passing {
                break;
            }
        }
        let answer = last.expect("tried at least once");
        Err(Error::Controller(format!("{what} of logical unit {lun} failed: {answer}")))
    }

    /// Numbers of the logical units that this host sees.
    ///
    /// # Errors
    /// As [`Target::must`].
    pub fn luns(&self) -> Result<Vec<u16>> {
        let mut data = vec![0; CONTROL as usize];
        self.must("REPORT LUNS", 0, Cdb::report_luns(CONTROL), &mut data)?;
        let list: &LunList = wire::parse(&data).expect("16 KiB");
        let there = data[8..].chunks_exact(8).take(list.length.get() as usize / 8);
        Ok(there.filter_map(|lun| parse_lun(lun.try_into().expect("eight bytes"))).collect())
    }

    /// What a unit says of itself.
    ///
    /// # Errors
    /// As [`Target::must`].
    pub fn inquiry(&self, lun: u16) -> Result<Inquiry> {
        let mut data = [0; 96];
        self.must("INQUIRY", lun, Cdb::inquiry(None, 96), &mut data)?;
        let standard: &Standard = wire::parse(&data).expect("96 bytes");
        let text = |field: &[u8]| wire::unpadded(field).unwrap_or("(not text)").to_owned();
        let peripheral = standard.peripheral;
        let (vendor, product) = (text(&standard.vendor), text(&standard.product));
        let revision = text(&standard.revision);
        let there = peripheral == wire::scsi::inquiry::PERIPHERAL_DISK;
        let page = |page| if there { self.page(lun, page) } else { Ok(Vec::new()) };
        let serial = text(&page(0x80)?);
        let naa = designator(&page(0x83)?, 3);
        let uuid = designator(&self.page(lun, 0x83).unwrap_or_default(), 0xa)
            .and_then(|bytes| uuid::Uuid::from_slice(bytes.get(2..18)?).ok());
        Ok(Inquiry { peripheral, vendor, product, revision, serial, naa, uuid })
    }

    /// A page of vital product data, without its header.
    fn page(&self, lun: u16, page: u8) -> Result<Vec<u8>> {
        let mut data = [0; 1024];
        self.must(&format!("INQUIRY, page {page:02x}h,"), lun, Cdb::inquiry(Some(page), 1024), &mut data)?;
        let len = usize::from(u16::from_be_bytes([data[2], data[3]])).min(1020);
        Ok(data[4..4 + len].to_vec())
    }
}

/// The first designator of a type in page 83h that is the logical unit's.
fn designator(page: &[u8], kind: u8) -> Option<Vec<u8>> {
    let mut rest = page;
    while let [_, at, _, len, tail @ ..] = rest {
        let bytes = tail.get(..usize::from(*len))?;
        if at & 0x3f == kind {
            return Some(bytes.to_vec());
        }
        rest = &tail[usize::from(*len)..];
    }
    None
}

/// What a logical unit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Peripheral qualifier and device type: 0 is a disk that is there.
    pub peripheral: u8,
    /// T10 vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Product revision level.
    pub revision: String,
    /// Unit serial number.
    pub serial: String,
    /// NAA identifier.
    pub naa: Option<Vec<u8>>,
    /// UUID.
    pub uuid: Option<uuid::Uuid>,
}

/// A logical unit that is a disk.
pub struct Disk {
    target: Target,
    lun: u16,
    namespace: Namespace,
    inquiry: Inquiry,
    most: Option<u64>,
}

impl Disk {
    /// Logs in and looks at the unit.
    ///
    /// # Errors
    /// As [`Target::connect`] and [`Target::must`]; there is no disk at this number.
    pub fn connect(address: &ScsiAddress, options: &Options) -> Result<Disk> {
        let port = address.port;
        Disk::of(Target::connect(port, options)?, address.lun, &format!("-t fcp -a {port}"))
    }

    /// The same over iSCSI.
    ///
    /// # Errors
    /// As [`Disk::connect`].
    pub fn connect_iscsi(address: &IscsiAddress, options: &Options) -> Result<Disk> {
        Disk::of(Target::connect_iscsi(address, options)?, address.lun, &format!("{address}"))
    }

    fn of(target: Target, lun: u16, place: &str) -> Result<Disk> {
        let inquiry = target.inquiry(lun)?;
        if inquiry.peripheral != 0 {
            return Err(Error::Local(format!(
                "there is no disk at logical unit {lun}: `qfc discover {place}` lists those that this host sees"
            )));
        }
        let mut data = [0; 32];
        target.must("READ CAPACITY (16)", lun, Cdb::read_capacity(), &mut data)?;
        let capacity: &Capacity16 = wire::parse(&data).expect("32 bytes");
        let namespace = Namespace {
            nsid: lun.into(),
            blocks: capacity.last.get().saturating_add(1),
            block: capacity.block_bytes.get(),
            uuid: inquiry.uuid,
            nguid: None,
            eui64: None,
        };
        if !namespace.block.is_power_of_two() || namespace.block < 512 {
            return Err(Error::Controller(format!("logical unit {lun} has blocks of {} bytes", namespace.block)));
        }
        let limits = target.page(lun, 0xb0)?;
        // MAXIMUM TRANSFER LENGTH, in blocks (SBC-3 6.6.4).
        let most = limits.get(4..8).map(|bytes| u32::from_be_bytes(bytes.try_into().expect("four bytes")));
        let most = most.filter(|blocks| *blocks != 0).map(|blocks| u64::from(blocks) * u64::from(namespace.block));
        Ok(Disk { target, lun, namespace, inquiry, most })
    }

    /// Its size and identity.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// What it says of itself.
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    /// Most bytes of one command; none when there is no limit.
    pub fn max_transfer(&self) -> Option<u64> {
        self.most
    }

    /// A queue of commands.
    ///
    /// # Errors
    /// No memory.
    pub fn queue(&self, entries: u16, buffer: u32) -> Result<Queue> {
        let slots = entries.saturating_sub(1).max(1);
        self.target.queue(self.lun, slots, buffer)
    }
}
