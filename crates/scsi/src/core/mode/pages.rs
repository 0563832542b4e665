//! Images of the mode pages: as they are, and which of their bits can be changed; and what changed ones mean.

use super::super::units::Unit;
use crate::shared::Selected;
use bdev::Features;
use wire::be::U16;
use wire::scsi::mode::{
    CONTROL_EXTENSION, Caching, Control, ControlExtension, ErrorRecovery, Exceptions, ModePage, SPF, SubpageHeader,
};
use wire::{FromZeros, IntoBytes};

/// The pages, page and subpage code, in the order in which they are told.
pub(super) const ALL: [(u8, u8); 5] = [
    (ModePage::ERROR_RECOVERY.0, 0),
    (ModePage::CACHING.0, 0),
    (ModePage::CONTROL.0, 0),
    (ModePage::CONTROL.0, CONTROL_EXTENSION),
    (ModePage::EXCEPTIONS.0, 0),
];

/// A page as it is with what is selected; empty if there is none of that code.
pub(super) fn image(unit: &Unit, modes: Selected, page: u8, subpage: u8) -> Vec<u8> {
    match (ModePage(page), subpage) {
        (ModePage::ERROR_RECOVERY, 0) => error_recovery().as_bytes().to_vec(),
        (ModePage::CACHING, 0) => caching(unit.features, modes).as_bytes().to_vec(),
        (ModePage::CONTROL, 0) => control(modes).as_bytes().to_vec(),
        (ModePage::CONTROL, CONTROL_EXTENSION) => control_extension().as_bytes().to_vec(),
        (ModePage::EXCEPTIONS, 0) => exceptions(modes).as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// Bytes of a page's header.
pub(super) fn header_len(image: &[u8]) -> usize {
    if image.first().is_some_and(|page| page & SPF != 0) { size_of::<SubpageHeader>() } else { 2 }
}

/// The page's header, then a one for each bit that can be changed.
pub(super) fn changeable(unit: &Unit, page: u8, subpage: u8) -> Vec<u8> {
    let mut mask = image(unit, Selected::default(), page, subpage);
    let header = header_len(&mask);
    mask.iter_mut().skip(header).for_each(|byte| *byte = 0);
    match (ModePage(page), subpage) {
        (ModePage::CACHING, 0) if unit.features.volatile_cache => mask[2] = Caching::WCE,
        (ModePage::CONTROL, 0) => {
            (mask[2], mask[4], mask[5]) = (Control::D_SENSE, Control::SWP, Control::TAS);
        }
        (ModePage::EXCEPTIONS, 0) => {
            (mask[2], mask[3]) = (Exceptions::EWASC | Exceptions::DEXCPT | Exceptions::TEST, 0x0f);
        }
        _ => {}
    }
    mask
}

/// What is selected by a page as an initiator wants it, of which only changeable bits differ from its image. `Err`: the byte
/// of the page that cannot be so.
pub(super) fn selected(modes: Selected, page: &[u8]) -> Result<Selected, usize> {
    let has = |at: usize, bit: u8| page.get(at).is_some_and(|byte| byte & bit != 0);
    let code = page.first().map_or(0, |code| code & (SPF | 0x3f));
    Ok(match ModePage(code) {
        ModePage::CACHING => {
            // What there is no cache for cannot be changed, and stays the default.
            let through = !has(2, Caching::WCE);
            modes.with(Selected::WRITES_THROUGH, through)
        }
        ModePage::CONTROL => {
            let modes = modes.with(Selected::DESCRIPTORS, has(2, Control::D_SENSE));
            modes.with(Selected::PROTECTED, has(4, Control::SWP)).with(Selected::TELLS_ABORTED, has(5, Control::TAS))
        }
        ModePage::EXCEPTIONS => {
            let (quiet, test, method) = (has(2, Exceptions::DEXCPT), has(2, Exceptions::TEST), page[3] & 0x0f);
            if !matches!(method, Exceptions::NO_REPORTING | Exceptions::UNIT_ATTENTION | Exceptions::ON_REQUEST) {
                return Err(3);
            }
            if quiet && test {
                return Err(2);
            }
            let modes = modes.with(Selected::EXCEPTIONS, !quiet).with(Selected::TEST, test).with_method(method);
            modes.with(Selected::WARNINGS, has(2, Exceptions::EWASC))
        }
        _ => modes,
    })
}

/// Nothing is done about errors here: the device below does what it does.
fn error_recovery() -> ErrorRecovery {
    let mut page = ErrorRecovery::new_zeroed();
    (page.page, page.length) = (ModePage::ERROR_RECOVERY.0, size_of::<ErrorRecovery>() as u8 - 2);
    page
}

fn caching(features: Features, modes: Selected) -> Caching {
    let mut page = Caching::new_zeroed();
    (page.page, page.length) = (ModePage::CACHING.0, size_of::<Caching>() as u8 - 2);
    let caches = features.volatile_cache && !modes.has(Selected::WRITES_THROUGH);
    page.flags = if caches { Caching::WCE } else { 0 };
    page
}

fn control(modes: Selected) -> Control {
    let flag = |bit, flag| if modes.has(bit) { flag } else { 0 };
    let mut page = Control::new_zeroed();
    (page.page, page.length) = (ModePage::CONTROL.0, size_of::<Control>() as u8 - 2);
    page.flags2 = Control::TST_PER_NEXUS | Control::GLTSD | flag(Selected::DESCRIPTORS, Control::D_SENSE);
    page.queueing = Control::UNRESTRICTED;
    page.flags4 = flag(Selected::PROTECTED, Control::SWP);
    page.flags5 = flag(Selected::TELLS_ABORTED, Control::TAS);
    page.busy_timeout = U16::new(0xffff);
    page
}

fn control_extension() -> ControlExtension {
    let mut page = ControlExtension::new_zeroed();
    let length = U16::new((size_of::<ControlExtension>() - size_of::<SubpageHeader>()) as u16);
    page.header = SubpageHeader { page: SPF | ModePage::CONTROL.0, subpage: CONTROL_EXTENSION, length };
    page.flags4 = ControlExtension::TCMOS | ControlExtension::SCSIP | ControlExtension::IALUAE;
    page.most_sense = crate::SENSE_BYTES as u8;
    page
}

fn exceptions(modes: Selected) -> Exceptions {
    let flag = |is_so, flag| if is_so { flag } else { 0 };
    let mut page = Exceptions::new_zeroed();
    (page.page, page.length) = (ModePage::EXCEPTIONS.0, size_of::<Exceptions>() as u8 - 2);
    page.flags = flag(!modes.has(Selected::EXCEPTIONS), Exceptions::DEXCPT)
        | flag(modes.has(Selected::WARNINGS), Exceptions::EWASC)
        | flag(modes.has(Selected::TEST), Exceptions::TEST);
    page.method = modes.method();
    page
}
