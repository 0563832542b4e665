//! The error information log of a controller (NVMe Base 2.0c 5.16.1.2).

use std::collections::VecDeque;
use wire::log::ErrorEntry;
use wire::nvme::{Csi, Sqe, Status, sct};
use wire::{FromZeros, IntoBytes, U16, U64};

/// Entries kept; ELPE is one less.
pub(crate) const ENTRIES: usize = 64;

/// The newest errors, and how many there were.
#[derive(Debug)]
pub(crate) struct ErrorLog {
    entries: VecDeque<ErrorEntry>,
    count: u64,
    media: u64,
}

impl Default for ErrorLog {
    fn default() -> Self {
        Self { entries: VecDeque::with_capacity(ENTRIES), count: 0, media: 0 }
    }
}

/// The entry for a command that failed, but for its number.
pub(crate) fn entry(qid: u16, sqe: &Sqe, status: Status) -> ErrorEntry {
    let mut entry = ErrorEntry::new_zeroed();
    entry.sqid = U16::new(qid);
    entry.cid = sqe.cid;
    entry.status = U16::new(status.to_wire());
    entry.parameter = U16::new(ErrorEntry::NONE);
    entry.nsid = sqe.nsid;
    entry.csi = Csi::NVM;
    entry.opcode = sqe.opcode;
    entry.version = 1;
    if status.sct() == sct::MEDIA || status.is(Status::LBA_OUT_OF_RANGE) {
        entry.lba = U64::new(sqe.cdw10_11());
    }
    entry
}

/// A comparison that finds a difference is no fault of the medium.
fn is_media_error(status: Status) -> bool {
    status.sct() == sct::MEDIA && !status.is(Status::COMPARE_FAILURE)
}

impl ErrorLog {
    /// Adds an entry. It does not allocate.
    pub fn add(&mut self, mut entry: ErrorEntry) {
        self.count += 1;
        self.media += u64::from(is_media_error(entry.status()));
        entry.error_count = U64::new(self.count);
        if self.entries.len() == ENTRIES {
            self.entries.pop_back();
        }
        self.entries.push_front(entry);
    }

    /// How many errors there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many of them were the medium's.
    pub fn media_errors(&self) -> u64 {
        self.media
    }

    /// The log page: the newest first, then zeroes.
    pub fn page(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(ENTRIES * size_of::<ErrorEntry>());
        self.entries.iter().for_each(|entry| page.extend_from_slice(entry.as_bytes()));
        page.resize(ENTRIES * size_of::<ErrorEntry>(), 0);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_the_oldest_goes() {
        let mut log = ErrorLog::default();
        for n in 0..70 {
            log.add(entry(1, &Sqe::new(2, n), Status::LBA_OUT_OF_RANGE));
        }
        let page = log.page();
        let entries: &[ErrorEntry] = wire::parse_each(&page);
        assert_eq!((entries.len(), entries[0].error_count.get(), entries[0].nsid.get()), (64, 70, 69));
        assert_eq!((entries[63].error_count.get(), log.count()), (7, 70));
        for status in [Status::UNRECOVERED_READ_ERROR, Status::WRITE_FAULT, Status::COMPARE_FAILURE.with_dnr()] {
            log.add(entry(1, &Sqe::new(2, 1), status));
        }
        assert_eq!((log.count(), log.media_errors()), (73, 2));
    }
}
