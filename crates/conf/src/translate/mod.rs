//! Document -> [`Plan`], in the original's order of evaluation: Global, block devices, NVMe-oF
//! target, transports, subsystems, then the target nodes of FCP and iSCSI. Soft fabrics and ports come before
//! what listens on them; adapters come last, when the names that the file has for ports are known.

mod adapters;
mod bdev;
mod elsewhere;
mod global;
mod initiator;
mod iscsi;
mod listen;
mod local_nvme;
mod names;
mod namespaces;
mod portal;
mod qfc;
mod scsi;
mod soft;
mod subsystem;
mod target;
mod transport;

use crate::diag::Log;
use crate::fc::FcConfig;
use crate::group::{Blocks, group};
use crate::parse::Document;
use crate::plan::{Call, Plan, StartOptions};
use crate::volumes::Volumes;

/// What the parts of the translation write to.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) log: Log,
    pub(crate) options: StartOptions,
    pub(crate) calls: Vec<Call>,
    pub(crate) not_yet: Vec<Call>,
    pub(crate) fc: FcConfig,
    pub(crate) volumes: Volumes,
}

/// Finds the meaning of a parsed document. `file` is only for the diagnostics. The diagnostics of
/// [`crate::parse`] are not repeated; see [`crate::parse_and_translate`] for both.
pub fn translate(file: &str, document: Document) -> Plan {
    with_log(Log::new(file), document)
}

pub(crate) fn with_log(mut log: Log, document: Document) -> Plan {
    let blocks = group(document, &mut log);
    let mut out = Output {
        log,
        options: StartOptions::default(),
        calls: Vec::new(),
        not_yet: Vec::new(),
        fc: FcConfig::default(),
        volumes: Volumes::default(),
    };
    evaluate(&blocks, &mut out);
    Plan { options: out.options, calls: out.calls, not_yet: out.not_yet, fc: out.fc, diagnostics: out.log.finish() }
}

fn evaluate(blocks: &Blocks, out: &mut Output) {
    global::read(blocks, out);
    bdev::read(blocks, out);
    elsewhere::read(blocks, out);
    bdev::read_errors(blocks, out);
    qfc::read(blocks, out);
    soft::read(blocks, out);
    let subsystems = subsystem::read(blocks, out);
    transport::emit(blocks, &subsystems, out);
    subsystem::emit(&subsystems, out);
    scsi::read(blocks, out);
    iscsi::read(blocks, out);
    let portals = portal::read(blocks, out);
    let initiators = initiator::read(blocks, &portals, out);
    target::read(blocks, &portals, &initiators, out);
    adapters::read(blocks, out);
}
