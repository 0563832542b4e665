//! Sections that are known and have no meaning here yet: each is told once, and the block devices
//! they would create are remembered, so that what uses them is told apart from a misspelling.

use super::{Output, local_nvme};
use crate::group::{Block, Blocks};

pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    if let Some(block) = blocks.get("Nvme") {
        local_nvme::read(block, out);
    }
    for kind in ["Ioat", "Vmd", "VirtioPci", "Gpt", "Blobfs", "VhostScsi", "VhostBlk"] {
        blocks.all(kind).for_each(|block| block.no_meaning(&mut out.log));
    }
    for (kind, key, index) in [
        ("Passthru", "PT", 1),
        ("Pmem", "Blk", 1),
        ("crypto", "CRY", 1),
        ("OCF", "OCF", 0),
        ("iSCSI_Initiator", "URL", 1),
        ("RAID", "Name", 0),
    ] {
        for block in blocks.all(kind) {
            block.no_meaning(&mut out.log);
            named(block, key, index, out);
        }
    }
    numbered(blocks, out);
    qos(blocks, out);
}

fn named(block: &Block, key: &str, index: usize, out: &mut Output) {
    for item in block.items(key) {
        if let Some(name) = item.value(index) {
            out.volumes.add_absent(name, item.line);
        }
    }
}

fn numbered(blocks: &Blocks, out: &mut Output) {
    for block in blocks.all("Split") {
        block.no_meaning(&mut out.log);
        for item in block.items("Split") {
            if let Some(base) = item.value(0) {
                out.volumes.add_absent_numbered(&format!("{base}p"), item.line);
            }
        }
    }
    for block in blocks.all("Ceph") {
        block.no_meaning(&mut out.log);
        out.volumes.add_absent_numbered("Ceph", block.line);
    }
    for block in blocks.all("VirtioUser") {
        block.no_meaning(&mut out.log);
        let name = block.text("Name").unwrap_or(&block.name);
        out.volumes.add_absent(name, block.line);
        out.volumes.add_absent_numbered(&format!("{name}t"), block.line);
    }
}

fn qos(blocks: &Blocks, out: &mut Output) {
    if let Some(block) = blocks.get("QoS") {
        out.log.warn(block.line, "[QoS] is not there yet; no limit is set", "remove the section to silence this");
    }
}
