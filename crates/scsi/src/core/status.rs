//! What devices and fetches say, as sense data: the one table.

use super::fail::Fail;
use exchange::Outcome;
use wire::scsi::{Asc, Key, Status};

/// How an operation ended, unless it was aborted.
pub(crate) fn of_outcome(outcome: Outcome) -> Result<(), Fail> {
    match outcome {
        Outcome::Done(status) => of_device(status),
        Outcome::Miscompare => Err(Fail::check(Key::MISCOMPARE, Asc::MISCOMPARE_DURING_VERIFY_OPERATION)),
        Outcome::FetchFailed => Err(Fail::check(Key::ABORTED_COMMAND, Asc::DATA_PHASE_ERROR)),
        Outcome::Aborted => Err(Fail::check(Key::ABORTED_COMMAND, Asc::NONE)),
    }
}

#[inline]
pub(crate) fn of_device(status: bdev::Status) -> Result<(), Fail> {
    if status == bdev::Status::Ok { Ok(()) } else { failure(status) }
}

#[cold]
fn failure(status: bdev::Status) -> Result<(), Fail> {
    Err(match status {
        bdev::Status::Ok => return Ok(()),
        // Nobody aborted the command, or it would not be asked here: the device is being reset or taken away.
        bdev::Status::Aborted => Fail::check(Key::ABORTED_COMMAND, Asc::NONE),
        bdev::Status::Unsupported => Fail::NO_COMMAND,
        bdev::Status::ReadOnly => Fail::check(Key::DATA_PROTECT, Asc::WRITE_PROTECTED),
        bdev::Status::ReadError => Fail::check(Key::MEDIUM_ERROR, Asc::UNRECOVERED_READ_ERROR),
        bdev::Status::WriteError => Fail::check(Key::MEDIUM_ERROR, Asc::WRITE_ERROR),
        bdev::Status::NoSpace => Fail::check(Key::DATA_PROTECT, Asc::SPACE_ALLOCATION_FAILED_WRITE_PROTECT),
        bdev::Status::Busy => Fail::Status(Status::BUSY),
        bdev::Status::Removed => Fail::NO_UNIT,
        bdev::Status::Nvme { sct, sc } => of_nvme(sct, sc),
    })
}

/// Status of an NVMe command, as the SCSI translation reference of NVMe has it where it has it.
fn of_nvme(sct: u8, sc: u8) -> Fail {
    match (sct, sc) {
        (0, 0x01) => Fail::NO_COMMAND,
        (0, 0x02) => Fail::illegal(Asc::INVALID_FIELD_IN_CDB),
        (0, 0x04) => Fail::check(Key::ABORTED_COMMAND, Asc::DATA_PHASE_ERROR),
        (0, 0x07) => Fail::check(Key::ABORTED_COMMAND, Asc::NONE),
        (0, 0x0b) => Fail::NO_UNIT,
        (0, 0x20) => Fail::check(Key::DATA_PROTECT, Asc::WRITE_PROTECTED),
        (0, 0x80) => Fail::OUT_OF_RANGE,
        (0, 0x81) => Fail::check(Key::DATA_PROTECT, Asc::SPACE_ALLOCATION_FAILED_WRITE_PROTECT),
        (0, 0x82) => Fail::Status(Status::BUSY),
        (0, 0x83) => Fail::Status(Status::RESERVATION_CONFLICT),
        (2, 0x80) => Fail::check(Key::MEDIUM_ERROR, Asc::WRITE_ERROR),
        (2, 0x81) => Fail::check(Key::MEDIUM_ERROR, Asc::UNRECOVERED_READ_ERROR),
        (2, 0x82) => Fail::check(Key::ABORTED_COMMAND, Asc::GUARD_CHECK_FAILED),
        (2, 0x83) => Fail::check(Key::ABORTED_COMMAND, Asc::APPLICATION_TAG_CHECK_FAILED),
        (2, 0x84) => Fail::check(Key::ABORTED_COMMAND, Asc::REFERENCE_TAG_CHECK_FAILED),
        (2, 0x85) => Fail::check(Key::MISCOMPARE, Asc::MISCOMPARE_DURING_VERIFY_OPERATION),
        (2, 0x86) => Fail::illegal(Asc::ACCESS_DENIED_INVALID_LU_IDENTIFIER),
        _ => Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bdev::Status as Device;

    #[test]
    fn the_table() {
        let table = [
            (Device::Aborted, 0xb, 0x0000),
            (Device::Unsupported, 5, 0x2000),
            (Device::ReadOnly, 7, 0x2700),
            (Device::ReadError, 3, 0x1100),
            (Device::WriteError, 3, 0x0c00),
            (Device::NoSpace, 7, 0x2707),
            (Device::Removed, 5, 0x2500),
            (Device::Nvme { sct: 0, sc: 0x01 }, 5, 0x2000),
            (Device::Nvme { sct: 0, sc: 0x02 }, 5, 0x2400),
            (Device::Nvme { sct: 0, sc: 0x80 }, 5, 0x2100),
            (Device::Nvme { sct: 0, sc: 0x06 }, 4, 0x4400),
            (Device::Nvme { sct: 2, sc: 0x80 }, 3, 0x0c00),
            (Device::Nvme { sct: 2, sc: 0x81 }, 3, 0x1100),
            (Device::Nvme { sct: 2, sc: 0x82 }, 0xb, 0x1001),
            (Device::Nvme { sct: 2, sc: 0x85 }, 0xe, 0x1d00),
            (Device::Nvme { sct: 2, sc: 0x86 }, 5, 0x2009),
            (Device::Nvme { sct: 7, sc: 0xff }, 4, 0x4400),
        ];
        for (device, key, asc) in table {
            assert_eq!(of_outcome(Outcome::Done(device)), Err(Fail::check(Key(key), Asc(asc))), "{device:?}");
        }
        assert_eq!(of_outcome(Outcome::Done(Device::Ok)), Ok(()));
        assert_eq!(of_outcome(Outcome::Done(Device::Busy)), Err(Fail::Status(Status::BUSY)));
        let conflict = Outcome::Done(Device::Nvme { sct: 0, sc: 0x83 });
        assert_eq!(of_outcome(conflict), Err(Fail::Status(Status::RESERVATION_CONFLICT)));
        assert_eq!(of_outcome(Outcome::FetchFailed), Err(Fail::check(Key(0xb), Asc(0x4b00))));
        assert_eq!(of_outcome(Outcome::Miscompare), Err(Fail::check(Key(0xe), Asc(0x1d00))));
    }
}
