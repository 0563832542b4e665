//! What the two sides can: the first message.
use crate::memory::MAPPINGS;
use crate::message::{Errno, Fields, Payload, TRANSFER_MAX};
use serde::{Deserialize, Serialize};

/// Descriptors that we take with one message.
pub const DESCRIPTORS_MAX: usize = 16;

/// What one side can, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Capabilities {
    /// Descriptors that it takes with one message.
    #[serde(default = "one")]
    pub max_msg_fds: u64,
    /// Bytes that one transfer may move.
    #[serde(default = "transfer")]
    pub max_data_xfer_size: u64,
    /// Mappings that there may be at once.
    #[serde(default = "maps", skip_serializing_if = "Option::is_none")]
    pub max_dma_maps: Option<u64>,
    /// Sizes of pages, or-ed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pgsizes: Option<u64>,
    /// Several writes may be one message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub write_multiple: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Data {
    #[serde(default)]
    capabilities: Capabilities,
}

fn one() -> u64 {
    1
}

fn transfer() -> u64 {
    1 << 20
}

fn maps() -> Option<u64> {
    None
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            max_msg_fds: 1,
            max_data_xfer_size: transfer(),
            max_dma_maps: None,
            pgsizes: None,
            write_multiple: false,
        }
    }
}

/// What we can. To be narrowed to what the other side knows of.
pub fn ours() -> Capabilities {
    Capabilities {
        max_msg_fds: DESCRIPTORS_MAX as u64,
        max_data_xfer_size: TRANSFER_MAX as u64,
        max_dma_maps: Some(MAPPINGS as u64),
        pgsizes: Some(4096),
        write_multiple: true,
    }
}

/// The payload of a version message.
pub fn payload(minor: u16, capabilities: Capabilities) -> Vec<u8> {
    let text = serde_json::to_vec(&Data { capabilities }).unwrap_or_default();
    Payload::default().u16(0).u16(minor).bytes(&text).bytes(&[0]).0
}

/// Reads the payload of a version message: the minor version and the capabilities.
///
/// # Errors
/// It is none, or of a major version that is not 0.
pub fn parse(payload: &[u8]) -> Result<(u16, Capabilities), Errno> {
    let mut fields = Fields(payload);
    let (major, minor) = fields.u16().zip(fields.u16()).ok_or(Errno::Invalid)?;
    if major != 0 {
        return Err(Errno::NotSupported);
    }
    let text = fields.0.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Ok((minor, Capabilities::default()));
    }
    let data: Data = serde_json::from_slice(text).map_err(|_| Errno::Invalid)?;
    Ok((minor, data.capabilities))
}

/// The answer of a server to a client's proposal.
pub fn answer(minor: u16, theirs: &Capabilities) -> Vec<u8> {
    let ours = ours();
    let narrowed = Capabilities {
        max_dma_maps: theirs.max_dma_maps.and(ours.max_dma_maps),
        pgsizes: theirs.pgsizes.and(ours.pgsizes),
        write_multiple: theirs.write_multiple,
        ..ours
    };
    payload(minor.min(1), narrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_qemu_proposes_is_understood_and_answered_with_no_more_than_it_knows() {
        let text = br#"{"capabilities": {"migration": {"pgsize": 4096, "max_bitmap_size": 268435456}, "max_msg_fds": 8,
            "max_data_xfer_size": 1048576, "pgsizes": 4096, "max_dma_maps": 65535, "twin_socket": {"supported": false}, "write_multiple": true}}"#;
        let request = Payload::default().u16(0).u16(0).bytes(text).bytes(&[0]).0;
        let (minor, theirs) = parse(&request).unwrap();
        assert_eq!((minor, theirs.max_msg_fds, theirs.write_multiple), (0, 8, true));
        let (minor, answer) = parse(&answer(minor, &theirs)).unwrap();
        assert_eq!((minor, answer.max_msg_fds, answer.max_dma_maps), (0, 16, Some(MAPPINGS as u64)));
    }

    #[test]
    fn nothing_said_is_the_least_and_nonsense_is_refused() {
        let (_, least) = parse(&[0, 0, 1, 0]).unwrap();
        assert_eq!((least.max_msg_fds, least.max_data_xfer_size, least.write_multiple), (1, 1 << 20, false));
        let text = String::from_utf8(answer(1, &least)[4..].to_vec()).unwrap();
        assert!(!text.contains("write_multiple") && !text.contains("max_dma_maps") && text.ends_with('\0'), "{text}");
        assert_eq!(parse(&[1, 0, 0, 0]).unwrap_err(), Errno::NotSupported);
        for nonsense in [&b""[..], b"\0\0\0", b"\0\0\0\0{", b"\0\0\0\0{\"capabilities\": {\"max_msg_fds\": -1}}\0"] {
            assert_eq!(parse(nonsense).unwrap_err(), Errno::Invalid);
        }
    }
}
