//! `fcp`: information units of FCP. Input: the payload of a command or of a response.

use wire::fcp::*;
use wire::{IntoBytes, parse};

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    if let Some(cmnd) = Cmnd::parse(data) {
        let mut out = [0; MAX_CMND_BYTES];
        let length = cmnd.write(&mut out).expect("no command is longer");
        assert_eq!(out[..length], data[..length]);
        assert!(cmnd.head.additional_cdb_bytes() == cmnd.additional_cdb.len() && cmnd.head.priority() < 16);
        assert_eq!(cmnd.read_length.is_some(), cmnd.head.direction() == Direction::Bidirectional);
        assert!(Cmnd::parse(&data[..length - 1]).is_none());
    }
    if let Some(rsp) = Rsp::parse(data) {
        let mut out = vec![0; data.len() + 64];
        let length = rsp.write(&mut out).expect("no longer than what came, but for a short form");
        assert_eq!(Rsp::parse(&out[..length]), Some(rsp));
    }
    assert!(parse::<XferRdy>(data).is_none_or(|ready| ready.to_bytes() == data[..12]));
    assert!(parse::<Srr>(data).is_none_or(|srr| srr.as_bytes() == &data[..16]));
}
