//! Controller properties over Property Get and Set (NVMe Base 2.0c 3.1.3, 6.5, 6.6).

use super::nvm_command::Nvm;
use super::reply::{Step, Verdict};
use ring::Tag;
use wire::fabrics::{PropertyGet, PropertySet};
use wire::nvme::{Cap, Cc, Crto, Csts, Property, Sqe, Status, Vs};

/// What we implement.
pub(crate) const VERSION: Vs = Vs::V2_0;
/// CAP.TO and CRTO: half seconds that a reset may take; it waits for I/O queues on all cores to end.
const READY_LIMIT: u8 = 30;

impl Nvm {
    pub(crate) fn capabilities(&self) -> Cap {
        Cap::default()
            .with_mqes_z(self.limits.config.transport.max_queue_depth - 1)
            .with_cqr(true)
            .with_to(READY_LIMIT)
            .with_css_nvm(true)
            .with_crwms(true)
    }

    pub(crate) fn property_get(&mut self, controller: Tag, sqe: &Sqe) -> Verdict {
        let get = PropertyGet::of(sqe);
        let controller = self.controllers.get(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        let bytes = get.bytes().ok_or(Status::INVALID_FIELD)?;
        let cap = self.capabilities().0;
        let value = match (get.property(), bytes) {
            (Property::CAP, 8) => cap,
            // The halves of an 8-byte property may be read on their own.
            (Property::CAP, 4) => cap & 0xffff_ffff,
            (Property(4), 4) => cap >> 32,
            (Property::VS, 4) => VERSION.0.into(),
            (Property::CC, 4) => controller.cc.0.into(),
            (Property::CSTS, 4) => controller.csts.0.into(),
            (Property::CRTO, 4) => Crto::default().with_crwmt(READY_LIMIT.into()).0.into(),
            _ => return Err(Status::INVALID_FIELD.into()),
        };
        Ok(Step::Done(value))
    }

    /// CC is the only property that a host may write.
    pub(crate) fn property_set(&mut self, controller: Tag, sqe: &Sqe) -> Verdict {
        let set = PropertySet::of(sqe);
        if (set.property(), set.bytes()) != (Property::CC, Some(4)) {
            return Err(Status::INVALID_FIELD.into());
        }
        self.set_cc(controller, Cc(set.value.get() as u32));
        Ok(Step::Done(0))
    }

    fn set_cc(&mut self, tag: Tag, new: Cc) {
        let now = self.now;
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        let old = std::mem::replace(&mut controller.cc, new);
        match (old.en(), new.en()) {
            (false, true) => {
                controller.alive.last = now;
                // What CAP does not offer is fatal until the host resets.
                let offered = new.css() == Cc::CSS_NVM && new.mps() == 0 && new.ams() == 0 && !new.crime();
                controller.csts = Csts::default().with_rdy(offered).with_cfs(!offered);
            }
            (true, false) => self.reset(tag),
            _ => {}
        }
        if new.shn() != Cc::SHN_NONE && old.shn() == Cc::SHN_NONE {
            self.shut_down(tag);
        }
    }
}
