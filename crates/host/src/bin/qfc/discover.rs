//! `qfc discover`.

use crate::cli::{DiscoverArgs, Output};
use crate::{Failure, print};
use host::discovery::{DiscoveryLog, Record};

pub fn run(args: &DiscoverArgs) -> Result<(), Failure> {
    let log = host::discovery::discover(&args.target.discovery()?, &args.connect.options()?)?;
    match args.output {
        Output::Json => print(&serde_json::to_string_pretty(&log).expect("plain data")),
        Output::Text => print(&text(&log)),
    }
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
    } else {
        out += &format!("\n  {} {host} {}", r.trtype, r.trsvcid);
    }
    out
}
