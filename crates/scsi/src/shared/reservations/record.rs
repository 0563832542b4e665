//! A table as bytes, to be kept: a line that names format, checksum and length, then JSON for people to read too.

use super::kind::{Held, ItNexus, Kind, Registrant};
use super::table::Table;
use crate::{IscsiName, PortName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the first line begins with.
const MAGIC: &str = "qfc persistent reservations";
const VERSION: &str = "1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    volume: Uuid,
    reservation: Option<Reservation>,
    registrants: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reservation {
    /// TYPE.
    kind: u8,
    initiator: String,
    target: String,
    relative: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    initiator: String,
    target: String,
    relative: u16,
    /// As people write keys.
    key: String,
}

/// The bytes of a table.
pub(super) fn write(volume: Uuid, table: &Table) -> Vec<u8> {
    let entry = |known: &Registrant| Entry {
        initiator: port(&known.nexus.initiator),
        target: port(&known.nexus.target),
        relative: known.nexus.relative,
        key: format!("{:#018x}", known.key),
    };
    let reservation = |held: Held| Reservation {
        kind: held.kind.code(),
        initiator: port(&held.by.initiator),
        target: port(&held.by.target),
        relative: held.by.relative,
    };
    let registrants = table.registrants.iter().map(entry).collect();
    let record = Record { volume, reservation: table.held.map(reservation), registrants };
    let body = serde_json::to_string_pretty(&record).unwrap_or_else(|_| unreachable!("plain strings and numbers"));
    let checksum = crc32c::crc32c(body.as_bytes());
    format!("{MAGIC} {VERSION} {checksum:08x} {}\n{body}", body.len()).into_bytes()
}

/// The table in bytes that were kept of a volume.
///
/// # Errors
/// What is wrong with them, for people.
pub(super) fn read(volume: Uuid, bytes: &[u8]) -> Result<Table, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let (line, body) = text.split_once('\n').ok_or("its first line is cut short")?;
    let rest = line.strip_prefix(MAGIC).ok_or("it is another program's")?;
    let [version, checksum, length] = rest.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err("its first line is damaged".into());
    };
    if version != VERSION {
        return Err(format!("its format is version {version}, of which this program does not know"));
    }
    if length.parse() != Ok(body.len()) {
        return Err("it is cut short".into());
    }
    if u32::from_str_radix(checksum, 16) != Ok(crc32c::crc32c(body.as_bytes())) {
        return Err("its checksum is wrong".into());
    }
    let record: Record = serde_json::from_str(body).map_err(|error| error.to_string())?;
    if record.volume != volume {
        return Err(format!("it is of volume {}", record.volume));
    }
    table(&record).ok_or_else(|| "it names a port, a key or a type that cannot be".into())
}

fn table(record: &Record) -> Option<Table> {
    let mut table = Table { aptpl: true, ..Table::default() };
    for entry in &record.registrants {
        let nexus = nexus(&entry.initiator, &entry.target, entry.relative)?;
        let key = u64::from_str_radix(entry.key.strip_prefix("0x")?, 16).ok().filter(|key| *key != 0)?;
        table.registrants.push(Registrant { nexus, key });
    }
    if let Some(held) = &record.reservation {
        let by = nexus(&held.initiator, &held.target, held.relative)?;
        table.held = Some(Held { kind: Kind::of(held.kind)?, by });
        if !table.registrants.iter().any(|known| table.is_holder(&known.nexus)) {
            return None;
        }
    }
    Some(table)
}

fn nexus(initiator: &str, target: &str, relative: u16) -> Option<ItNexus> {
    Some(ItNexus { initiator: parse_port(initiator)?, target: parse_port(target)?, relative })
}

fn port(name: &PortName) -> String {
    match name {
        PortName::Fc { wwnn, wwpn } => format!("fc {wwnn:016x} {wwpn:016x}"),
        PortName::Iscsi { name, isid } => {
            let isid: String = isid.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("iscsi {isid} {name}")
        }
        PortName::IscsiTarget { name, group } => format!("iscsi-target {group:04x} {name}"),
    }
}

fn parse_port(text: &str) -> Option<PortName> {
    let mut words = text.splitn(3, ' ');
    let (kind, number, name) = (words.next()?, words.next()?, words.next()?);
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    match kind {
        "fc" => Some(PortName::Fc { wwnn: hex(number)?, wwpn: hex(name)? }),
        "iscsi" => {
            let isid = hex(number)?.to_be_bytes();
            Some(PortName::Iscsi { name: IscsiName::new(name)?, isid: isid[2..].try_into().ok()? })
        }
        "iscsi-target" => {
            Some(PortName::IscsiTarget { name: IscsiName::new(name)?, group: hex(number)?.try_into().ok()? })
        }
        _ => None,
    }
}
