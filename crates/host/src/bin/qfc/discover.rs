//! `qfc discover`: records of a discovery service, nodes of a portal, logical units of a target.

use crate::cli::{DiscoverArgs, Output};
use crate::identify::unit;
use crate::target::Asked;
use crate::{Failure, print};
use host::discovery::{DiscoveryLog, Record};
use host::scsi::Target;
use host::{Options, ScsiAddress};

pub fn run(args: &DiscoverArgs) -> Result<(), Failure> {
    let options = args.connect.options()?;
    let address = match args.target.discovery()? {
        Asked::Nvme(address) => address,
        Asked::Scsi(address) => {
            let ScsiAddress { port, .. } = address;
            return units(&Target::connect(port, &options)?, &port.to_string(), &format!("fcp://{port}"), args.output);
        }
        Asked::Iscsi(address) if address.node.is_empty() => return nodes(address.portal, &options, args.output),
        Asked::Iscsi(address) => {
            let place = format!("iscsi://{}/{}", address.portal, address.node);
            return units(&Target::connect_iscsi(&address, &options)?, &address.node, &place, args.output);
        }
    };
    let log = host::discovery::discover(&address, &options)?;
    match args.output {
        Output::Json => print(&serde_json::to_string_pretty(&log).expect("plain data")),
        Output::Text => print(&text(&log)),
    }
    Ok(())
}

/// The nodes of an iSCSI portal.
fn nodes(portal: std::net::SocketAddr, options: &Options, output: Output) -> Result<(), Failure> {
    let found = host::iscsi::discover(portal, options)?;
    if output == Output::Json {
        let shown = serde_json::json!({"portal": portal.to_string(), "nodes": found});
        print(&serde_json::to_string_pretty(&shown).expect("plain data"));
        return Ok(());
    }
    let mut out = format!("{portal}: {} node{}", found.len(), if found.len() == 1 { "" } else { "s" });
    for node in &found {
        out += &format!("\n\n{}", node.node);
        for (place, tag) in &node.portals {
            out += &format!("\n  iscsi://{place}/{}  portal group {tag}", node.node);
        }
    }
    print(&out);
    Ok(())
}

/// The logical units of a SCSI target.
fn units(target: &Target, port: &str, place: &str, output: Output) -> Result<(), Failure> {
    let mut units = Vec::new();
    for lun in target.luns()? {
        units.push(unit(lun, &target.inquiry(lun)?));
    }
    if output == Output::Json {
        let shown = serde_json::json!({"port": port, "logical_units": units});
        print(&serde_json::to_string_pretty(&shown).expect("plain data"));
        return Ok(());
    }
    let mut out = format!("{port}: {} logical unit{}", units.len(), if units.len() == 1 { "" } else { "s" });
    for unit in &units {
        let text = |name: &str| unit[name].as_str().unwrap_or("-").to_owned();
        let lun = &unit["lun"];
        out += &format!("\n\n{place}/{lun}\n  {} {} {}", text("vendor"), text("product"), text("revision"));
        out += &format!("\n  serial {}  naa {}", text("serial_number"), text("naa"));
        if unit["peripheral"] != 0 {
            out += "\n  no disk is there";
        }
    }
    print(&out);
    Ok(())
}

fn text(log: &DiscoveryLog) -> String {
    let mut out = format!(
        "Discovery log, generation {}: {} record{}",
        log.genctr,
        log.records.len(),
        if log.records.len() == 1 { "" } else { "s" }
    );
    for record in &log.records {
        out += &entry(record);
    }
    out
}

fn entry(r: &Record) -> String {
    let host = if r.adrfam == "ipv6" { format!("[{}]", r.traddr) } else { r.traddr.clone() };
    let mut out = format!("\n\n{}\n  {}, port id {}, secure channel {}", r.subnqn, r.subtype, r.portid, r.treq);
    if r.trtype == "tcp" {
        out += &format!("\n  tcp://{host}:{}/{}", r.trsvcid, r.subnqn);
    } else if r.trtype == "fc" {
        out += &format!("\n  fc://{}/{}", r.traddr, r.subnqn);
    } else {
        out += &format!("\n  {} {host} {}", r.trtype, r.trsvcid);
    }
    out
}
