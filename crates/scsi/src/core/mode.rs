//! MODE SENSE (SPC-4 6.11, 6.12): caching, control and informational exceptions. Nothing can be changed yet.

use super::fail::Fail;
use super::units::Unit;
use wire::be::{U16, U32, U64};
use wire::scsi::Asc;
use wire::scsi::mode::{
    Caching, Control, DEVICE_DPOFUA, DEVICE_WP, Exceptions, Header6, Header10, LongDescriptor, ModePage,
    ShortDescriptor,
};
use wire::{FromZeros, IntoBytes};

/// Which mode parameters are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub long: bool,
    pub llbaa: bool,
    pub dbd: bool,
    /// PC.
    pub control: u8,
    pub page: u8,
    pub subpage: u8,
}

/// PC: which values can be changed.
const CHANGEABLE: u8 = 1;
/// PC: what was saved.
const SAVED: u8 = 3;
/// SUBPAGE CODE: all subpages, of which there are none but 00h.
const ALL_SUBPAGES: u8 = 0xff;

/// The mode parameters.
pub(crate) fn sense(unit: &Unit, wanted: Wanted) -> Result<Vec<u8>, Fail> {
    if wanted.control == SAVED {
        return Err(Fail::illegal(Asc::SAVING_PARAMETERS_NOT_SUPPORTED));
    }
    if !matches!(wanted.subpage, 0 | ALL_SUBPAGES) {
        return Err(Fail::in_cdb(3));
    }
    let mut pages = pages(unit, ModePage(wanted.page)).ok_or(Fail::in_cdb(2))?;
    if wanted.control == CHANGEABLE {
        blank(&mut pages);
    }
    let device = if unit.features.write { 0 } else { DEVICE_WP } | DEVICE_DPOFUA;
    let descriptor = descriptor(unit, wanted);
    let behind = descriptor.len() + pages.len();
    let mut data = header(wanted, device, descriptor.len(), behind);
    data.extend(descriptor);
    data.extend(pages);
    Ok(data)
}

fn header(wanted: Wanted, device: u8, descriptors: usize, behind: usize) -> Vec<u8> {
    if wanted.long {
        let length = U16::new((size_of::<Header10>() - 2 + behind) as u16);
        let longlba = u8::from(wanted.llbaa && !wanted.dbd);
        let descriptors = U16::new(descriptors as u16);
        return Header10 { length, medium: 0, device, longlba, reserved: 0, descriptors }.as_bytes().to_vec();
    }
    let length = (size_of::<Header6>() - 1 + behind) as u8;
    Header6 { length, medium: 0, device, descriptors: descriptors as u8 }.as_bytes().to_vec()
}

fn descriptor(unit: &Unit, wanted: Wanted) -> Vec<u8> {
    let block_bytes = U32::new(unit.block_bytes());
    if wanted.dbd {
        Vec::new()
    } else if wanted.llbaa {
        LongDescriptor { blocks: U64::new(unit.blocks), reserved: U32::new(0), block_bytes }.as_bytes().to_vec()
    } else {
        let blocks = u32::try_from(unit.blocks).unwrap_or(u32::MAX);
        ShortDescriptor { blocks: U32::new(blocks), block_bytes }.as_bytes().to_vec()
    }
}

fn pages(unit: &Unit, page: ModePage) -> Option<Vec<u8>> {
    Some(match page {
        ModePage::CACHING => caching(unit).as_bytes().to_vec(),
        ModePage::CONTROL => control().as_bytes().to_vec(),
        ModePage::EXCEPTIONS => exceptions().as_bytes().to_vec(),
        ModePage::ALL => [caching(unit).as_bytes(), control().as_bytes(), exceptions().as_bytes()].concat(),
        _ => return None,
    })
}

fn caching(unit: &Unit) -> Caching {
    let mut page = Caching::new_zeroed();
    (page.page, page.length) = (ModePage::CACHING.0, size_of::<Caching>() as u8 - 2);
    page.flags = if unit.features.volatile_cache { Caching::WCE } else { 0 };
    page
}

fn control() -> Control {
    let mut page = Control::new_zeroed();
    (page.page, page.length) = (ModePage::CONTROL.0, size_of::<Control>() as u8 - 2);
    page.flags2 = Control::TST_PER_NEXUS;
    page.queueing = Control::UNRESTRICTED;
    page.busy_timeout = U16::new(0xffff);
    page
}

fn exceptions() -> Exceptions {
    let mut page = Exceptions::new_zeroed();
    (page.page, page.length) = (ModePage::EXCEPTIONS.0, size_of::<Exceptions>() as u8 - 2);
    page.flags = Exceptions::DEXCPT;
    page
}

/// Leaves the headers of pages, and no bit of theirs that can be changed.
fn blank(pages: &mut [u8]) {
    let mut at = 0;
    while let Some(length) = pages.get(at + 1).copied() {
        let end = (at + 2 + usize::from(length)).min(pages.len());
        pages[at + 2..end].fill(0);
        at = end;
    }
}
