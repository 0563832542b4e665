//! MODE SELECT (SPC-4 6.9, 6.10): all of the list is looked at before anything of it holds.

use super::super::fail::Fail;
use super::super::units::Unit;
use super::pages;
use crate::shared::Selected;
use wire::scsi::Asc;
use wire::scsi::mode::{Header6, Header10, LongDescriptor, PS, SPF, ShortDescriptor};

const TOO_SHORT: Fail = Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR);

/// What a parameter list selects, starting from `modes`.
pub(crate) fn select(unit: &Unit, modes: Selected, long: bool, list: &[u8]) -> Result<Selected, Fail> {
    let (mut at, mut modes) = (pages_at(unit, long, list)?, modes);
    while at < list.len() {
        let (page, selected) = select_page(unit, modes, list, at)?;
        (at, modes) = (at + page, selected);
    }
    Ok(modes)
}

/// Where the pages begin: behind the header and a block descriptor that changes nothing.
fn pages_at(unit: &Unit, long: bool, list: &[u8]) -> Result<usize, Fail> {
    let (header, medium, descriptors, long_lba) = if long {
        let header: Header10 = wire::read(list).ok_or(TOO_SHORT)?;
        (size_of::<Header10>(), header.medium, usize::from(header.descriptors.get()), header.longlba & 1 != 0)
    } else {
        let header: Header6 = wire::read(list).ok_or(TOO_SHORT)?;
        (size_of::<Header6>(), header.medium, usize::from(header.descriptors), false)
    };
    if medium != 0 {
        return Err(Fail::in_list(if long { 2 } else { 1 }));
    }
    let descriptor = list[header..].get(..descriptors).ok_or(TOO_SHORT)?;
    let (blocks, most, block_bytes) = match (descriptors, long_lba) {
        (0, _) => return Ok(header),
        (8, false) => {
            let descriptor: ShortDescriptor = wire::read(descriptor).ok_or(TOO_SHORT)?;
            (descriptor.blocks.get().into(), u32::MAX.into(), descriptor.block_bytes.get() & 0xff_ffff)
        }
        (16, true) => {
            let descriptor: LongDescriptor = wire::read(descriptor).ok_or(TOO_SHORT)?;
            (descriptor.blocks.get(), u64::MAX, descriptor.block_bytes.get())
        }
        _ => return Err(Fail::in_list(if long { 6 } else { 3 })),
    };
    if blocks != 0 && blocks != most && blocks != unit.blocks {
        return Err(Fail::in_list(header as u16));
    }
    if block_bytes != 0 && block_bytes != unit.block_bytes() {
        return Err(Fail::in_list((header + descriptors - 4) as u16));
    }
    Ok(header + descriptors)
}

/// One page, at `at` of the list: how long it is, and what is selected with it.
fn select_page(unit: &Unit, modes: Selected, list: &[u8], at: usize) -> Result<(usize, Selected), Fail> {
    let page = &list[at..];
    let wrong = |byte: usize| Fail::in_list((at + byte).min(u16::MAX.into()) as u16);
    let long = page[0] & SPF != 0;
    let subpage = if long { *page.get(1).ok_or(TOO_SHORT)? } else { 0 };
    let current = pages::image(unit, modes, page[0] & !(SPF | PS), subpage);
    let header = pages::header_len(&current);
    if current.is_empty() || (header == 4) != long {
        return Err(wrong(0));
    }
    let length = page.get(header / 2..header).ok_or(TOO_SHORT)?;
    if *length != current[header / 2..header] {
        return Err(wrong(header / 2));
    }
    let page = page.get(..current.len()).ok_or(TOO_SHORT)?;
    let mask = pages::changeable(unit, current[0] & !SPF, subpage);
    let fixed = (header..page.len()).find(|byte| (page[*byte] ^ current[*byte]) & !mask[*byte] != 0);
    if let Some(byte) = fixed {
        return Err(wrong(byte));
    }
    // A page of which nothing can be changed says nothing: its image may not be what is selected.
    let selected =
        if mask[header..].iter().any(|bits| *bits != 0) { pages::selected(modes, page).map_err(wrong)? } else { modes };
    Ok((page.len(), selected))
}
