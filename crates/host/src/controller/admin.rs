//! Admin commands: one at a time, waited for. NVMe Base 2.0c 5 and 6.5, 6.6.

use super::Controller;
use crate::{Error, Payload, Result};
use wire::fabrics::{PropertyGet, PropertySet};
use wire::identify;
use wire::nvme::{Cns, Cqe, Csi, FeatureId, Features, GetLogPage, Identify, LogId, Property, QueueCount, Select, Sqe};

impl Controller {
    /// Any admin command; what a read returned goes into `data` (at most 16 KiB), what a write sends is taken from it.
    ///
    /// # Errors
    /// No answer, a broken connection. A bad status is no error here: see the answer.
    pub fn command(&mut self, what: &str, sqe: Sqe, payload: Payload, data: &mut [u8]) -> Result<Cqe> {
        let slot = self.admin.take().ok_or_else(|| Error::Controller("the admin queue is full".to_owned()))?;
        let bytes = payload.bytes() as usize;
        if matches!(payload, Payload::Write(_)) {
            self.admin.buffer_mut(slot)[..bytes].copy_from_slice(&data[..bytes]);
        }
        self.admin.start(slot, sqe, payload);
        let cqe = self.admin.wait_for(slot, what, self.options.link.timeout)?;
        if matches!(payload, Payload::Read(_)) {
            data[..bytes].copy_from_slice(&self.admin.buffer(slot)[..bytes]);
        }
        self.admin.give(slot);
        Ok(cqe)
    }

    /// As [`Controller::command`]; a bad status is an error.
    fn must(&mut self, what: &str, sqe: Sqe, payload: Payload, data: &mut [u8]) -> Result<Cqe> {
        let cqe = self.command(what, sqe, payload, data)?;
        match cqe.status() {
            status if status.is_success() => Ok(cqe),
            status => Err(Error::Status { command: what.to_owned(), status }),
        }
    }

    /// Property Get.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn property(&mut self, property: Property) -> Result<u64> {
        let cqe =
            self.must(&format!("Property Get {property:?}"), PropertyGet::sqe(property), Payload::None, &mut [])?;
        Ok(if property.bytes() == Some(8) { cqe.value() } else { u64::from(cqe.dw0.get()) })
    }

    /// Property Set.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn set_property(&mut self, property: Property, value: u64) -> Result<()> {
        self.must(&format!("Property Set {property:?}"), PropertySet::sqe(property, value), Payload::None, &mut [])
            .map(drop)
    }

    /// Identify: 4,096 bytes.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn identify_bytes(&mut self, cns: Cns, nsid: u32, csi: Csi) -> Result<Box<[u8; 4096]>> {
        let mut data = Box::new([0; 4096]);
        self.must(&format!("Identify {cns:?}"), Identify::sqe(cns, nsid, csi), Payload::Read(4096), &mut data[..])?;
        Ok(data)
    }

    /// Identify Controller.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn identify_controller(&mut self) -> Result<Box<identify::Controller>> {
        let bytes = self.identify_bytes(Cns::CONTROLLER, 0, Csi::NVM)?;
        Ok(Box::new(wire::read(&bytes[..]).expect("4,096 bytes")))
    }

    /// Identify Namespace (NVM command set).
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn identify_namespace(&mut self, nsid: u32) -> Result<Box<identify::Namespace>> {
        let bytes = self.identify_bytes(Cns::NAMESPACE, nsid, Csi::NVM)?;
        Ok(Box::new(wire::read(&bytes[..]).expect("4,096 bytes")))
    }

    /// All active namespaces, ascending.
    ///
    /// # Errors
    /// No or a bad answer; a list that does not ascend.
    pub fn active_namespaces(&mut self) -> Result<Vec<u32>> {
        let mut all: Vec<u32> = Vec::new();
        loop {
            let after = all.last().copied().unwrap_or(0);
            let bytes = self.identify_bytes(Cns::ACTIVE_NAMESPACES, after, Csi::NVM)?;
            let list: &identify::NsList = wire::parse(&bytes[..]).expect("4,096 bytes");
            let before = all.len();
            for nsid in list.iter() {
                if nsid <= all.last().copied().unwrap_or(0) {
                    return Err(Error::Controller(format!("the active namespace list does not ascend at NSID {nsid}")));
                }
                all.push(nsid);
            }
            if all.len() - before < wire::limits::NS_LIST_MAX {
                return Ok(all);
            }
        }
    }

    /// `data.len()` bytes (a multiple of 4, any length) of a log page from `offset` on, in pieces of 4 KiB.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn log_page(&mut self, lid: LogId, nsid: u32, offset: u64, data: &mut [u8]) -> Result<()> {
        let mut at = offset;
        for part in data.chunks_mut(4096) {
            let bytes = part.len() as u32;
            let sqe = GetLogPage::sqe(lid, nsid, bytes, at, false);
            self.must(&format!("Get Log Page {lid:?}"), sqe, Payload::Read(bytes), part)?;
            at += u64::from(bytes);
        }
        Ok(())
    }

    /// Set Features; dword 0 of the answer.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn set_feature(&mut self, fid: FeatureId, value: u32) -> Result<u32> {
        let cqe = self.must(&format!("Set Features {fid:?}"), Features::set(fid, 0, value), Payload::None, &mut [])?;
        Ok(cqe.dw0.get())
    }

    /// Get Features; dword 0 of the answer.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn feature(&mut self, fid: FeatureId) -> Result<u32> {
        let cqe = self.must(
            &format!("Get Features {fid:?}"),
            Features::get(fid, 0, Select::CURRENT),
            Payload::None,
            &mut [],
        )?;
        Ok(cqe.dw0.get())
    }

    /// Asks for `count` I/O queues; how many the controller has for this host.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn set_queue_count(&mut self, count: u16) -> Result<u16> {
        let wanted = QueueCount::default().with_nsq_z(count.saturating_sub(1)).with_ncq_z(count.saturating_sub(1));
        let given = QueueCount(self.set_feature(FeatureId::NUMBER_OF_QUEUES, wanted.0)?);
        Ok(given.nsq_z().min(given.ncq_z()).saturating_add(1))
    }

    /// What Identify Controller must agree with.
    pub(super) fn check_identify(&self) -> Result<()> {
        let id = &self.identify;
        let fail = |what: String| Err(Error::Controller(format!("Identify Controller: {what}")));
        if id.cntlid.get() != self.cntlid {
            return fail(format!("CNTLID is {}, Connect said {}", id.cntlid.get(), self.cntlid));
        }
        if id.ver.get() != self.vs.0 {
            return fail(format!("VER is {:#x}, property VS is {:#x}", id.ver.get(), self.vs.0));
        }
        if !self.options.link.strict {
            return Ok(());
        }
        if id.sgls.get() & 3 == 0 {
            return fail("SGLS says that SGLs are not supported; Fabrics needs them".to_owned());
        }
        let discovery = id.cntrltype == identify::bits::CNTRLTYPE_DISCOVERY || self.address.is_discovery();
        if discovery {
            return Ok(());
        }
        if (id.ioccsz.get(), id.iorcsz.get()) < (4, 1) || id.iorcsz.get() < 1 {
            return fail(format!("IOCCSZ {} or IORCSZ {} is below 4 or 1", id.ioccsz.get(), id.iorcsz.get()));
        }
        if id.icdoff.get() != 0 {
            return fail(format!("ICDOFF is {}, over TCP it is 0", id.icdoff.get()));
        }
        if id.sqes & 0xf > 6 || id.sqes >> 4 < 6 || id.cqes & 0xf > 4 || id.cqes >> 4 < 4 {
            return fail(format!("SQES {:#x} or CQES {:#x} leave out 64 or 16 bytes", id.sqes, id.cqes));
        }
        match id.subnqn.text() {
            Ok(nqn) if nqn == self.address.nqn => Ok(()),
            other => fail(format!("SUBNQN is {other:?}, connected to {}", self.address.nqn)),
        }
    }
}
