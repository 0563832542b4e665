//! The part of a start that finds out who the adapter is and which firmware it gets: the tables of its flash, one after the other, then
//! one source of firmware after the other.

use super::firmware::Source;
use super::flash::FlashRead;
use super::identity::{Identity, Layout, secondary_is_active};
use super::image::{HEAD_BYTES, Image, head};
use super::start::{Known, Start, Step};
use super::{Chip, Fault};
use std::collections::VecDeque;
use std::sync::Arc;
use wire::isp::flash::{FLT_ADDRESS, FLT_BYTES, ImageStatus, NVRAM_BYTES, Region, SEGMENTS, VPD_BYTES};

/// What is read from the flash, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Layout,
    Status,
    SecondaryStatus,
    Nvram,
    Vpd,
    /// The head of a segment of the image under way.
    Head(usize),
    /// All of the image under way.
    Image,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Found {
    pub layout: Layout,
    pub status: Option<Vec<u8>>,
    pub secondary_status: Option<Vec<u8>>,
    pub nvram: Option<Vec<u8>>,
    pub identity: Option<Identity>,
    pub sources: VecDeque<Source>,
    /// Start in the flash and length of the image under way.
    pub image: (u32, usize),
    pub reason: String,
}

impl Start {
    pub(super) fn after_reset(&mut self) {
        self.step = match self.known {
            Some(_) => Step::RegisterTest,
            None => Step::Read(What::Layout, FlashRead::new(FLT_ADDRESS, FLT_BYTES)),
        };
    }

    pub(super) fn read_done(&mut self, chip: &Chip, what: What, bytes: Vec<u8>) -> Result<(), Fault> {
        match what {
            What::Layout => self.found.layout = Layout::new(&bytes),
            What::Status => self.found.status = Some(bytes),
            What::SecondaryStatus => self.found.secondary_status = Some(bytes),
            What::Nvram => self.found.nvram = Some(bytes),
            What::Vpd => return self.identified(chip, Some(bytes)),
            What::Head(segment) => {
                self.head_done(segment, &bytes);
                return Ok(());
            }
            What::Image => {
                self.image_read(bytes);
                return Ok(());
            }
        }
        self.read_next(chip, what)
    }

    /// What follows `what` among the tables; those that the layout does not have are left out.
    fn read_next(&mut self, chip: &Chip, what: What) -> Result<(), Fault> {
        let order = [
            (What::Status, Some(Region::IMAGE_STATUS), size_of::<ImageStatus>()),
            (What::SecondaryStatus, Some(Region::IMAGE_STATUS_SECONDARY), size_of::<ImageStatus>()),
            (What::Nvram, Region::nvram(chip.port), NVRAM_BYTES),
            (What::Vpd, Region::vpd(chip.port), VPD_BYTES),
        ];
        let from = order.iter().position(|(other, ..)| *other == what).map_or(0, |place| place + 1);
        for (what, region, length) in &order[from..] {
            if let Some((start, _)) = region.and_then(|region| self.found.layout.find(region)) {
                self.step = Step::Read(*what, FlashRead::new(start, *length));
                return Ok(());
            }
        }
        self.identified(chip, None)
    }

    fn identified(&mut self, chip: &Chip, vpd: Option<Vec<u8>>) -> Result<(), Fault> {
        let found = &mut self.found;
        let fallback = chip.family.boards();
        let identity = Identity::new(found.nvram.as_deref(), vpd.as_deref(), chip.port, fallback);
        if identity.disabled {
            return Err(Fault::PortDisabled);
        }
        if !found.layout.is_known() {
            log::warn!("{}: the flash has no layout table; defaults are used", chip.address);
        }
        if !identity.own_names {
            log::warn!(
                "{}: no NVRAM; the port has the name {} that all such adapters have",
                chip.address,
                identity.names
            );
        }
        let secondary = secondary_is_active(found.status.as_deref(), found.secondary_status.as_deref());
        found.sources = self.file.sources(&found.layout, secondary);
        found.identity = Some(identity);
        self.step = Step::Firmware;
        Ok(())
    }

    pub(super) fn next_source(&mut self) -> Result<(), Fault> {
        match self.found.sources.pop_front() {
            None => return Err(Fault::NoFirmware(self.file.missing(&self.found.reason))),
            Some(Source::File) => match self.file.image() {
                Ok(image) => self.image_found(image),
                Err(reason) => self.found.reason = reason,
            },
            Some(Source::Flash(start, _)) => {
                self.found.image = (start, 0);
                self.step = Step::Read(What::Head(0), FlashRead::new(start, HEAD_BYTES));
            }
        }
        Ok(())
    }

    /// The head of a segment is there: on to the next one, or to all of the image.
    fn head_done(&mut self, segment: usize, bytes: &[u8]) {
        let (start, so_far) = self.found.image;
        match head(bytes, segment) {
            Err(error) => self.refuse(&error.to_string()),
            Ok((_, length)) => {
                let length = so_far + length;
                self.found.image = (start, length);
                let next = segment + 1;
                self.step = if next < SEGMENTS {
                    Step::Read(What::Head(next), FlashRead::new(start.wrapping_add(length as u32), HEAD_BYTES))
                } else {
                    Step::Read(What::Image, FlashRead::new(start, length))
                };
            }
        }
    }

    fn image_read(&mut self, bytes: Vec<u8>) {
        match Image::new(bytes) {
            Ok(image) => self.image_found(image),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    /// This source has no image: the next one is tried.
    fn refuse(&mut self, reason: &str) {
        log::info!("firmware in the flash at {:#x}: {reason}", self.found.image.0);
        self.step = Step::Firmware;
    }

    fn image_found(&mut self, image: Image) {
        log::info!("firmware image {}", image.version_text());
        let identity = self.found.identity.clone().expect("the adapter is known before its firmware");
        self.known = Some(Known { identity, image: Arc::new(image) });
        self.step = Step::RegisterTest;
    }
}
