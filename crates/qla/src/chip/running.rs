//! What running firmware says of itself.

use super::Words;
use wire::isp::mailbox::{Attributes, AttributesExtended, AttributesHigh};

/// Firmware that was executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Running {
    /// Major, minor, sub-minor.
    pub version: [u16; 3],
    pub attributes: Attributes,
    pub attributes_high: AttributesHigh,
    pub attributes_extended: AttributesExtended,
    /// Exchanges that it has for commands of initiators.
    pub exchanges: u16,
    /// IOCBs that it can have under way.
    pub iocbs: u16,
    /// Virtual ports.
    pub vports: u16,
}

impl Running {
    /// From the answer to command 08h.
    pub fn new(words: &Words) -> Self {
        let words = &words.0;
        Self {
            version: [words[1], words[2], words[3]],
            attributes: Attributes(words[6]),
            attributes_high: AttributesHigh(words[15]),
            attributes_extended: AttributesExtended(words[16]),
            ..Self::default()
        }
    }

    /// Takes in the answer to command 42h.
    pub fn count(&mut self, words: &Words) {
        let words = &words.0;
        self.exchanges = words[3];
        self.iocbs = words[7];
        self.vports = if self.attributes.npiv() { words[11] } else { 0 };
    }

    /// It speaks FC-NVMe.
    pub fn has_nvme(&self) -> bool {
        self.attributes_high.nvme() || self.attributes_high.nvme_updated()
    }

    /// `9.8.0`.
    pub fn version_text(&self) -> String {
        format!("{}.{}.{}", self.version[0], self.version[1], self.version[2])
    }
}
