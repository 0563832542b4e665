//! The VPD pages of block devices: limits, characteristics, provisioning (SBC-3 6.6).

use super::atomic::most_atomic;
use super::compare::most_compared;
use super::inquiry::header;
use super::provisioning::{MOST_RANGES, MOST_SAME};
use super::sanitize;
use super::units::Unit;
use wire::FromZeros;
use wire::be::{U16, U32, U64};
use wire::scsi::inquiry::{BlockCharacteristics, BlockLimits, Provisioning, Referrals, VpdHeader, VpdPage};

/// Block Limits.
pub(crate) fn limits(unit: &Unit, largest: u32) -> BlockLimits {
    let (info, features) = (&unit.view.info, unit.features);
    let blocks = |bytes: u32| bytes >> unit.shift;
    let granularity = blocks(info.physical_block_size).max(1);
    let mut page = BlockLimits::new_zeroed();
    page.header = header(VpdPage::BLOCK_LIMITS, size_of::<BlockLimits>() - size_of::<VpdHeader>());
    page.wsnz = 1;
    page.granularity = U16::new(granularity.min(u16::MAX.into()) as u16);
    page.max_transfer = U32::new(blocks(largest));
    page.max_compare_and_write = most_compared(unit, largest);
    if features.unmap {
        page.max_unmap_blocks = U32::new(u32::MAX);
        page.max_unmap_descriptors = U32::new(MOST_RANGES);
        page.unmap_granularity = U32::new(granularity);
        page.unmap_alignment = U32::new(1 << 31);
    }
    if features.write {
        page.max_write_same = U64::new(MOST_SAME.into());
        page.rest[..4].copy_from_slice(&most_atomic(unit, largest).to_be_bytes());
    }
    page
}

/// Block Device Characteristics: nothing rotates that one could know of. After SANITIZE BLOCK ERASE blocks can be read.
pub(crate) fn characteristics(unit: &Unit) -> BlockCharacteristics {
    let mut page = BlockCharacteristics::new_zeroed();
    page.header = header(VpdPage::BLOCK_CHARACTERISTICS, size_of::<BlockCharacteristics>() - size_of::<VpdHeader>());
    page.rotation = U16::new(1);
    page.form = if sanitize::erases(unit) { BlockCharacteristics::WABEREQ_READABLE } else { 0 };
    page
}

/// Referrals: there are none, and no segments to refer to.
pub(crate) fn referrals() -> Referrals {
    let mut page = Referrals::new_zeroed();
    page.header = header(VpdPage::REFERRALS, size_of::<Referrals>() - size_of::<VpdHeader>());
    page
}

/// Logical Block Provisioning.
pub(crate) fn provisioning(unit: &Unit) -> Provisioning {
    let features = unit.features;
    let mut flags = 0;
    if features.unmap {
        flags |= Provisioning::LBPU;
        if features.write && features.write_zeroes && features.unmap_zeroes {
            flags |= Provisioning::LBPWS | Provisioning::LBPWS10;
        }
        if features.unmap_zeroes {
            flags |= Provisioning::LBPRZ;
        }
    }
    let header = header(VpdPage::PROVISIONING, size_of::<Provisioning>() - size_of::<VpdHeader>());
    let kind = if features.unmap { Provisioning::THIN } else { Provisioning::FULL };
    Provisioning { header, threshold: 0, flags, kind, reserved: 0 }
}
