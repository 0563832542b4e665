//! What the copy manager can do: the Third-Party Copy page (SPC-4 7.8.17, SBC-3 6.6.6) and RECEIVE COPY OPERATING PARAMETERS
//! (SPC-4 6.21). Both say the same.

use super::{
    BEST_TOKEN, MOST_COPIES, MOST_CSCDS, MOST_IDLE, MOST_LIST, MOST_RANGES, MOST_SEGMENT, MOST_SEGMENTS, MOST_TOKEN,
    USUAL_IDLE,
};
use crate::core::inquiry::header;
use crate::core::units::Unit;
use wire::be::{U16, U32, U64};
use wire::scsi::copy::{
    Descriptor, GeneralLimits, OperatingParameters, ParameterLimits, RodFeatures, RodLimits, RodType,
    RodTypeDescriptor, THIS_UNIT,
};
use wire::scsi::inquiry::{PERIPHERAL_DISK, VpdPage};
use wire::scsi::{TABLE, rows};
use wire::{FromZeros, IntoBytes};

/// Operation codes of the commands that are about copies.
const COMMANDS: [u8; 2] = [0x83, 0x84];
/// Descriptor type codes, rising.
const KINDS: [Descriptor; 3] =
    [Descriptor::BLOCK_TO_BLOCK, Descriptor::BLOCK_TO_BLOCK_OFFSET, Descriptor::IDENTIFICATION];
/// DATA SEGMENT GRANULARITY: the smallest block that any disk here has.
const GRANULARITY: u8 = 9;

/// The Third-Party Copy page, header and all.
pub(crate) fn page(unit: &Unit) -> Vec<u8> {
    let parts = [
        rod_limits(unit),
        commands(),
        parameter_limits(),
        described(0x0008, &[&[KINDS.len() as u8], &KINDS.map(|kind| kind.0)[..]].concat()),
        described(0x000c, &[&2u16.to_be_bytes()[..], &THIS_UNIT.to_be_bytes()].concat()),
        rod_features(),
        rod_types(),
        general(),
    ];
    let body = parts.concat();
    let mut page = header(VpdPage::THIRD_PARTY_COPY, body.len()).as_bytes().to_vec();
    page.extend(body);
    page
}

/// A third-party copy descriptor, padded to a multiple of four bytes.
fn described(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = data.len().next_multiple_of(4);
    let mut bytes = [kind.to_be_bytes(), (length as u16).to_be_bytes()].concat();
    bytes.extend(data);
    bytes.resize(4 + length, 0);
    bytes
}

fn rod_limits(unit: &Unit) -> Vec<u8> {
    let mut limits = RodLimits::new_zeroed();
    limits.length = U16::new(size_of::<RodLimits>() as u16 - 4);
    limits.ranges = U16::new(MOST_RANGES as u16);
    (limits.max_timeout, limits.timeout) = (U32::new(MOST_IDLE), U32::new(USUAL_IDLE));
    (limits.max_transfer, limits.optimal) = (U64::new(MOST_TOKEN >> unit.shift), U64::new(BEST_TOKEN >> unit.shift));
    limits.as_bytes().to_vec()
}

/// Supported Commands: what the one table of commands has.
fn commands() -> Vec<u8> {
    let mut list = Vec::new();
    for opcode in COMMANDS {
        let actions: Vec<u8> = rows(opcode).iter().filter_map(|row| row.action).map(|action| action as u8).collect();
        list.extend([opcode, actions.len() as u8]);
        list.extend(actions);
    }
    list.insert(0, list.len() as u8);
    described(0x0001, &list)
}

fn parameter_limits() -> Vec<u8> {
    let mut limits = ParameterLimits::new_zeroed();
    (limits.kind, limits.length) = (U16::new(0x0004), U16::new(size_of::<ParameterLimits>() as u16 - 4));
    (limits.cscds, limits.segments) = (U16::new(MOST_CSCDS as u16), U16::new(MOST_SEGMENTS as u16));
    limits.list = U32::new(MOST_LIST);
    limits.as_bytes().to_vec()
}

fn rod_features() -> Vec<u8> {
    let mut features = RodFeatures::new_zeroed();
    let device = (size_of::<RodFeatures>() - 48) as u16;
    (features.kind, features.length) = (U16::new(0x0106), U16::new(size_of::<RodFeatures>() as u16 - 4));
    (features.min_life, features.max_life) = (U32::new(1), U32::new(u32::MAX));
    features.max_timeout = U32::new(MOST_IDLE);
    (features.features, features.device) = (U16::new(device), PERIPHERAL_DISK);
    features.device_length = U16::new(device - 4);
    features.max_bytes = U64::new(MOST_TOKEN);
    features.optimal_bytes = U64::new(BEST_TOKEN);
    features.optimal_to = U64::new(MOST_TOKEN);
    features.optimal_from = U64::new(BEST_TOKEN);
    features.as_bytes().to_vec()
}

fn rod_types() -> Vec<u8> {
    let (taken, made) = (RodTypeDescriptor::TOKEN_IN, RodTypeDescriptor::TOKEN_OUT);
    let types = [(RodType::POINT_IN_TIME_VULNERABLE, taken | made), (RodType::BLOCK_ZERO, taken)];
    let mut data = vec![0, 0];
    data.extend((types.len() as u16 * size_of::<RodTypeDescriptor>() as u16).to_be_bytes());
    for (kind, flags) in types {
        let mut descriptor = RodTypeDescriptor::new_zeroed();
        (descriptor.kind, descriptor.flags) = (U32::new(kind.0), flags);
        data.extend(descriptor.as_bytes());
    }
    described(0x0108, &data)
}

fn general() -> Vec<u8> {
    let mut limits = GeneralLimits::new_zeroed();
    (limits.kind, limits.length) = (U16::new(0x8001), U16::new(size_of::<GeneralLimits>() as u16 - 4));
    (limits.total, limits.identified) = (U32::new(MOST_COPIES as u32), U32::new(MOST_COPIES as u32));
    (limits.segment, limits.granularity) = (U32::new(MOST_SEGMENT), GRANULARITY);
    limits.as_bytes().to_vec()
}

pub(super) fn operating_parameters() -> Vec<u8> {
    let mut data = OperatingParameters::new_zeroed();
    data.available = U32::new((size_of::<OperatingParameters>() - 4 + KINDS.len()) as u32);
    data.snlid = 1;
    (data.cscds, data.segments) = (U16::new(MOST_CSCDS as u16), U16::new(MOST_SEGMENTS as u16));
    (data.list, data.segment) = (U32::new(MOST_LIST), U32::new(MOST_SEGMENT));
    (data.total, data.concurrent) = (U16::new(MOST_COPIES as u16), MOST_COPIES as u8);
    (data.granularity, data.kinds) = (GRANULARITY, KINDS.len() as u8);
    let mut bytes = data.as_bytes().to_vec();
    bytes.extend(KINDS.map(|kind| kind.0));
    bytes
}

const _: () = assert!(MOST_COPIES <= u8::MAX as usize && !TABLE.is_empty());
