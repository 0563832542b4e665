//! The one table from what a device or the machine says to an NVMe status.

use exchange::Outcome;
use wire::nvme::Status;

/// The status of a command that ended so.
pub(crate) fn of_outcome(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Done(status) => of_device(status),
        Outcome::Miscompare => Status::COMPARE_FAILURE.with_dnr(),
        // A digest did not match, or the connection is going: the host should send it again.
        Outcome::FetchFailed => Status::TRANSIENT_TRANSPORT_ERROR,
        Outcome::Aborted => Status::ABORTED_BY_REQUEST,
    }
}

/// The status for a device's ending.
pub(crate) fn of_device(status: bdev::Status) -> Status {
    match status {
        bdev::Status::Ok => Status::SUCCESS,
        // Without «do not retry»: nobody asked for this one, the device is being reset or taken away.
        bdev::Status::Aborted => Status::ABORTED_BY_REQUEST,
        bdev::Status::Unsupported => Status::INVALID_OPCODE.with_dnr(),
        bdev::Status::ReadOnly => Status::NAMESPACE_WRITE_PROTECTED.with_dnr(),
        bdev::Status::ReadError => Status::UNRECOVERED_READ_ERROR,
        bdev::Status::WriteError => Status::WRITE_FAULT,
        bdev::Status::NoSpace => Status::CAPACITY_EXCEEDED.with_dnr(),
        bdev::Status::Busy => Status::NAMESPACE_NOT_READY,
        bdev::Status::Removed => Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr(),
        bdev::Status::Nvme { sct, sc } => Status::new(sct, sc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bdev::Status as Device;

    #[test]
    fn the_table() {
        let table = [
            (Device::Ok, 0x000, false),
            (Device::Aborted, 0x007, false),
            (Device::Unsupported, 0x001, true),
            (Device::ReadOnly, 0x020, true),
            (Device::ReadError, 0x281, false),
            (Device::WriteError, 0x280, false),
            (Device::NoSpace, 0x081, true),
            (Device::Busy, 0x082, false),
            (Device::Removed, 0x00b, true),
            (Device::Nvme { sct: 2, sc: 0x86 }, 0x286, false),
        ];
        for (device, code, dnr) in table {
            let status = of_device(device);
            assert_eq!((status.code().0, status.dnr()), (code, dnr), "{device:?}");
            assert_eq!(of_outcome(Outcome::Done(device)), status);
        }
        assert_eq!(of_outcome(Outcome::Miscompare).code(), Status::COMPARE_FAILURE);
        assert_eq!(of_outcome(Outcome::FetchFailed), Status::TRANSIENT_TRANSPORT_ERROR);
        assert_eq!(of_outcome(Outcome::Aborted), Status::ABORTED_BY_REQUEST);
    }
}
