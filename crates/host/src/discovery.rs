//! The discovery service: log page 70h, whole and of one generation. NVMe Base 2.0c 5.16.1.23.

use crate::{Address, Controller, Error, Options, Result};
use serde::Serialize;
use wire::log::{DiscoveryEntry, DiscoveryHeader, Subtype};
use wire::nvme::LogId;

/// The discovery log as it was at one generation.
#[derive(Debug, Clone, Serialize)]
pub struct DiscoveryLog {
    /// Generation counter.
    pub genctr: u64,
    /// Its entries.
    pub records: Vec<Record>,
}

/// One entry, in the words of nvme-cli.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Transport: `tcp`.
    pub trtype: String,
    /// Address family: `ipv4`, `ipv6`.
    pub adrfam: String,
    /// What it is: `nvme subsystem`, `discovery subsystem referral`, `current discovery subsystem`.
    pub subtype: String,
    /// Secure channel: `not specified`, `required`, `not required`.
    pub treq: String,
    /// Port identifier.
    pub portid: u16,
    /// Port.
    pub trsvcid: String,
    /// Subsystem.
    pub subnqn: String,
    /// Address.
    pub traddr: String,
    /// Flags, as a number.
    pub eflags: u16,
    /// Transport security: `none`, `tls1.2`, `tls1.3`.
    pub sectype: String,
}

/// Generations that may pass while the log is read before that is an error.
const RETRIES: usize = 10;

/// Connects to the discovery service at `address`, reads its log, and leaves.
///
/// # Errors
/// What the target refused or did wrong; a log that changes all the time.
pub fn discover(address: &Address, options: &Options) -> Result<DiscoveryLog> {
    let mut options = options.clone();
    options.kato = std::time::Duration::ZERO;
    let mut controller = Controller::connect(&address.discovery(), &options)?;
    let log = read(&mut controller)?;
    controller.disconnect()?;
    Ok(log)
}

/// Reads the log through a controller that is connected to a discovery service.
///
/// # Errors
/// As [`discover`].
pub fn read(controller: &mut Controller) -> Result<DiscoveryLog> {
    for _ in 0..RETRIES {
        let before = header(controller)?;
        let count = before.numrec.get();
        if count > 100_000 {
            return Err(Error::Controller(format!("the discovery log claims {count} entries")));
        }
        let mut bytes = vec![0; count as usize * wire::limits::DISCOVERY_ENTRY_BYTES];
        controller.log_page(LogId::DISCOVERY, 0, wire::limits::DISCOVERY_ENTRY_BYTES as u64, &mut bytes)?;
        let after = header(controller)?;
        if (before.genctr, before.numrec) == (after.genctr, after.numrec) {
            let records = wire::parse_each::<DiscoveryEntry>(&bytes).iter().map(record).collect::<Result<_>>()?;
            return Ok(DiscoveryLog { genctr: before.genctr.get(), records });
        }
    }
    Err(Error::Controller(format!("the discovery log changed {RETRIES} times while it was read")))
}

fn header(controller: &mut Controller) -> Result<DiscoveryHeader> {
    let mut bytes = [0; 1024];
    controller.log_page(LogId::DISCOVERY, 0, 0, &mut bytes)?;
    let header: DiscoveryHeader = wire::read(&bytes).expect("1,024 bytes");
    match header.recfmt.get() {
        0 => Ok(header),
        other => Err(Error::Controller(format!("the discovery log has record format {other}; 0 is known"))),
    }
}

fn record(entry: &DiscoveryEntry) -> Result<Record> {
    let text = |field: &[u8], name: &str| {
        wire::unpadded(field)
            .map(str::to_owned)
            .ok_or_else(|| Error::Controller(format!("discovery entry: {name} is no text")))
    };
    let subnqn = entry.subnqn.text().map_err(|e| Error::Controller(format!("discovery entry: SUBNQN {e}")))?;
    Ok(Record {
        trtype: short(entry.trtype.name()),
        adrfam: short(entry.adrfam.name()),
        subtype: subtype(entry.subtype),
        treq: match entry.treq.0 & 3 {
            0 => "not specified",
            1 => "required",
            2 => "not required",
            _ => "reserved",
        }
        .to_owned(),
        portid: entry.portid.get(),
        trsvcid: text(&entry.trsvcid, "TRSVCID")?,
        subnqn: subnqn.to_owned(),
        traddr: text(&entry.traddr, "TRADDR")?,
        eflags: entry.eflags.get(),
        sectype: match entry.tsas[0] {
            0 => "none".to_owned(),
            1 => "tls1.2".to_owned(),
            2 => "tls1.3".to_owned(),
            other => format!("{other:#x}"),
        },
    })
}

fn short(name: Option<&str>) -> String {
    name.map_or_else(|| "unknown".to_owned(), str::to_ascii_lowercase)
}

fn subtype(subtype: Subtype) -> String {
    match subtype {
        Subtype::NVM => "nvme subsystem".to_owned(),
        Subtype::REFERRAL => "discovery subsystem referral".to_owned(),
        Subtype::CURRENT_DISCOVERY => "current discovery subsystem".to_owned(),
        other => format!("{other:?}"),
    }
}
