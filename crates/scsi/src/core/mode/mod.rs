//! Mode parameters (SPC-4 6.9 to 6.12, 7.5): what MODE SENSE tells and MODE SELECT takes.
//!
//! | page | what can be changed |
//! | --- | --- |
//! | 01h Read-Write Error Recovery | nothing |
//! | 08h Caching | WCE, if the device has a volatile cache: without it each write goes to the medium |
//! | 0Ah Control | D_SENSE, SWP, TAS |
//! | 0Ah/01h Control Extension | nothing |
//! | 1Ch Informational Exceptions Control | DEXCPT, EWASC, TEST, MRIE (0h, 2h, 6h) |
//!
//! All nexuses share them. Limits: nothing is saved (SP and PC 11b are refused); block descriptors cannot resize or reformat.

mod pages;
mod select;

use super::fail::Fail;
use super::units::Unit;
use crate::shared::Selected;
use wire::IntoBytes;
use wire::be::{U16, U32, U64};
use wire::scsi::Asc;
use wire::scsi::mode::{DEVICE_DPOFUA, DEVICE_WP, Header6, Header10, LongDescriptor, ShortDescriptor};

pub(crate) use select::select;

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
/// PC: what is so after a reset.
const DEFAULT: u8 = 2;
/// PC: what was saved.
const SAVED: u8 = 3;
/// PAGE CODE or SUBPAGE CODE: all of them.
const ALL_PAGES: u8 = 0x3f;
const ALL_SUBPAGES: u8 = 0xff;

/// The mode parameters.
pub(crate) fn sense(unit: &Unit, wanted: Wanted) -> Result<Vec<u8>, Fail> {
    if wanted.control == SAVED {
        return Err(Fail::illegal(Asc::SAVING_PARAMETERS_NOT_SUPPORTED));
    }
    let pages = pages_of(unit, wanted)?;
    let device = if unit.features.write && !unit.modes().has(Selected::PROTECTED) { 0 } else { DEVICE_WP };
    let descriptor = descriptor(unit, wanted);
    let behind = descriptor.len() + pages.len();
    let mut data = header(wanted, device | DEVICE_DPOFUA, descriptor.len(), behind);
    data.extend(descriptor);
    data.extend(pages);
    Ok(data)
}

fn pages_of(unit: &Unit, wanted: Wanted) -> Result<Vec<u8>, Fail> {
    let page_fits = |page: u8| wanted.page == ALL_PAGES || wanted.page == page;
    let subpage_fits = |subpage: u8| wanted.subpage == ALL_SUBPAGES || wanted.subpage == subpage;
    if wanted.page == ALL_PAGES && !matches!(wanted.subpage, 0 | ALL_SUBPAGES) {
        return Err(Fail::in_cdb(3));
    }
    let mut known = pages::ALL.iter().filter(|(page, _)| page_fits(*page)).peekable();
    known.peek().ok_or(Fail::in_cdb(2))?;
    let fitting: Vec<_> = known.filter(|(_, subpage)| subpage_fits(*subpage)).collect();
    if fitting.is_empty() {
        return Err(Fail::in_cdb(3));
    }
    let image = |&&(page, subpage): &&(u8, u8)| match wanted.control {
        CHANGEABLE => pages::changeable(unit, page, subpage),
        DEFAULT => pages::image(unit, Selected::default(), page, subpage),
        _ => pages::image(unit, unit.modes(), page, subpage),
    };
    Ok(fitting.iter().flat_map(image).collect())
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
