//! `qfc identify`.

use crate::cli::{IdentifyArgs, Output};
use crate::target::Asked;
use crate::{Failure, print};
use host::scsi::{Disk, Inquiry};
use host::{Controller, Namespace};
use serde_json::{Value, json};
use wire::identify::bits;

pub fn run(args: &IdentifyArgs) -> Result<(), Failure> {
    let options = args.connect.options()?;
    let address = match args.target.any()? {
        Asked::Nvme(address) => address,
        Asked::Scsi(address) => return disk(&Disk::connect(&address, &options)?, args.output),
        Asked::Iscsi(address) => return disk(&Disk::connect_iscsi(&address, &options)?, args.output),
    };
    let mut controller = Controller::connect(&address, &options)?;
    let mut namespaces = Vec::new();
    if args.namespaces {
        for nsid in controller.active_namespaces()? {
            namespaces.push(controller.namespace(nsid)?);
        }
    }
    let mut shown = shown(&controller);
    if args.namespaces {
        shown["namespaces"] = namespaces.iter().map(namespace).collect();
    }
    match args.output {
        Output::Json => print(&serde_json::to_string_pretty(&shown).expect("plain data")),
        Output::Text => print(&text(&shown)),
    }
    Ok(controller.disconnect()?)
}

/// A logical unit.
fn disk(disk: &Disk, output: Output) -> Result<(), Failure> {
    let namespace = disk.namespace();
    let mut shown = unit(namespace.nsid as u16, disk.inquiry());
    shown["blocks"] = namespace.blocks.into();
    shown["block_bytes"] = namespace.block.into();
    shown["bytes"] = namespace.bytes().into();
    shown["max_transfer_bytes"] = disk.max_transfer().into();
    match output {
        Output::Json => print(&serde_json::to_string_pretty(&shown).expect("plain data")),
        Output::Text => print(text(&shown).trim_end()),
    }
    Ok(())
}

/// What a logical unit says of itself.
pub fn unit(lun: u16, inquiry: &Inquiry) -> Value {
    json!({
        "lun": lun,
        "peripheral": inquiry.peripheral,
        "vendor": inquiry.vendor,
        "product": inquiry.product,
        "revision": inquiry.revision,
        "serial_number": inquiry.serial,
        "naa": inquiry.naa.as_deref().map(hex),
        "uuid": inquiry.uuid.map(|uuid| uuid.to_string()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn shown(c: &Controller) -> Value {
    let id = &c.identify;
    let ascii = |field: &[u8]| wire::unpadded(field).unwrap_or("(not text)").to_owned();
    let kind = match id.cntrltype {
        bits::CNTRLTYPE_IO => "I/O",
        bits::CNTRLTYPE_DISCOVERY => "discovery",
        bits::CNTRLTYPE_ADMIN => "administrative",
        _ => "not reported",
    };
    json!({
        "subnqn": id.subnqn.text().unwrap_or("(not text)"),
        "address": c.address().place.to_string(),
        "cntlid": c.cntlid,
        "controller_type": kind,
        "serial_number": ascii(&id.sn),
        "model_number": ascii(&id.mn),
        "firmware_revision": ascii(&id.fr),
        "version": format!("{}.{}.{}", c.vs.mjr(), c.vs.mnr(), c.vs.ter()),
        "max_queue_entries": u32::from(c.cap.mqes_z()) + 1,
        "max_transfer_bytes": c.max_transfer(),
        "io_in_capsule_bytes": (id.ioccsz.get() * 16).saturating_sub(64),
        "keep_alive_granularity_ms": u32::from(id.kas.get()) * 100,
        "async_event_requests": u32::from(id.aerl) + 1,
        "namespaces_max": id.nn.get(),
        "max_outstanding_commands": id.maxcmd.get(),
        "volatile_write_cache": id.vwc & bits::VWC_PRESENT != 0,
        "optional_commands": commands(id.oncs.get(), id.fuses.get()),
    })
}

fn commands(oncs: u16, fuses: u16) -> Vec<&'static str> {
    let table = [
        (bits::ONCS_COMPARE, "compare"),
        (bits::ONCS_WRITE_UNCORRECTABLE, "write_uncorrectable"),
        (bits::ONCS_DSM, "dataset_management"),
        (bits::ONCS_WRITE_ZEROES, "write_zeroes"),
        (bits::ONCS_RESERVATIONS, "reservations"),
        (bits::ONCS_TIMESTAMP, "timestamp"),
        (bits::ONCS_VERIFY, "verify"),
        (bits::ONCS_COPY, "copy"),
    ];
    let mut names: Vec<_> = table.iter().filter(|(bit, _)| oncs & bit != 0).map(|(_, name)| *name).collect();
    if fuses & bits::FUSES_COMPARE_WRITE != 0 {
        names.push("compare_and_write");
    }
    names
}

fn namespace(n: &Namespace) -> Value {
    json!({
        "nsid": n.nsid,
        "blocks": n.blocks,
        "block_bytes": n.block,
        "bytes": n.bytes(),
        "uuid": n.uuid.map(|u| u.to_string()),
        "nguid": n.nguid.map(|g| hex(&g)),
        "eui64": n.eui64.map(|e| hex(&e)),
    })
}

/// The same as aligned lines.
fn text(shown: &Value) -> String {
    let mut out = String::new();
    for (name, value) in shown.as_object().expect("made above") {
        if name == "namespaces" {
            continue;
        }
        out += &format!("{:<28}{}\n", name.replace('_', " "), plain(value));
    }
    for n in shown["namespaces"].as_array().into_iter().flatten() {
        out += &format!(
            "namespace {:<18}{} blocks of {} bytes, {:.1} MiB\n{:<28}uuid {}\n",
            plain(&n["nsid"]),
            plain(&n["blocks"]),
            plain(&n["block_bytes"]),
            n["bytes"].as_u64().unwrap_or(0) as f64 / f64::from(1 << 20),
            "",
            plain(&n["uuid"])
        );
    }
    out.trim_end().to_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Bool(on) => if *on { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
