//! Names of the NVMe standard: NQNs, serial and model numbers.

use crate::diag::{Log, show};
use crate::group::Block;

/// NVMe Base Specification, "NVMe Qualified Names": at most 223 bytes, `nqn.yyyy-mm.` and a name.
fn is_nqn(text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |r: std::ops::Range<usize>| b[r].iter().all(u8::is_ascii_digit);
    (13..=223).contains(&b.len())
        && text.starts_with("nqn.")
        && digits(4..8)
        && b[8] == b'-'
        && digits(9..11)
        && b[11] == b'.'
}

/// Each value of `key` must be an NQN.
pub(crate) fn check_nqn(block: &Block, key: &str, log: &mut Log) {
    for item in block.items(key) {
        let text = item.value(0).unwrap_or_default();
        if !is_nqn(text) {
            let message = format!("[{}] {}: {} is not a valid NQN", block.name, item.key, show(text));
            log.error(item.line, message, "write nqn.<year>-<month>.<domain>:<name>, at most 223 bytes");
        }
    }
}

/// Serial and model numbers are fixed-size fields of printable ASCII in Identify Controller.
pub(crate) fn check_text(block: &Block, key: &str, most: usize, log: &mut Log) {
    let Some(item) = block.item(key) else { return };
    let text = item.value(0).unwrap_or_default();
    if text.len() > most || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        let message = format!("[{}] {key}: {} is longer than {most} characters or not ASCII", block.name, show(text));
        log.error(item.line, message, "shorten it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nqns() {
        assert!(is_nqn("nqn.2016-06.io.spdk:cnode1"));
        assert!(is_nqn("nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
        for text in ["", "nqn.", "iqn.2016-06.io.spdk:x", "nqn.2016-6.io.spdk:x", "nqn.2016-06.", "nqn.2016§06.xyzzy"]
        {
            assert!(!is_nqn(text), "{text}");
        }
        assert!(!is_nqn(&format!("nqn.2016-06.io.spdk:{}", "x".repeat(300))));
    }
}
