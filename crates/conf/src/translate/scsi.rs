//! `[SCSI]`: what all SCSI transports have in common.

use serde_json::json;

use super::Output;
use crate::group::Blocks;
use crate::plan::Call;

pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    let Some(block) = blocks.get("SCSI") else { return };
    let Some(item) = block.item("StateDirectory") else { return };
    let path = item.value(0).unwrap_or_default();
    if !path.starts_with('/') {
        let message = "[SCSI] StateDirectory: not an absolute path";
        out.log.error(item.line, message.to_owned(), "write StateDirectory /var/lib/qfc");
        return;
    }
    out.calls.push(Call::new("scsi_set_options", json!({ "state_directory": path }), item.line));
}
