//! Identify (NVMe Base 2.0c 5.17): which structures there are, and the controller's.

use super::connect::offered_events;
use super::controller::Controller;
use super::nvm::WZSL;
use super::nvm_command::Nvm;
use super::reply::{Fail, Verdict};
use super::subsystem::Subsystem;
use super::{abort, aer, error_log, namespace_data, property};
use crate::view::Trtype;
use ring::Tag;
use wire::fabrics::Nqn;
use wire::identify::{CommandSetVectors, ControllerNvm, bits};
use wire::limits::{CAPSULE_UNIT_BYTES, CQE_BYTES, IDENTIFY_BYTES, NSID_ALL, SQE_BYTES, TCP_ADMIN_IN_CAPSULE_BYTES};
use wire::nvme::{Cns, Csi, Identify, Sqe, Status};
use wire::{FromZeros, IntoBytes, U16, U32};

/// The firmware revision: this program's version.
pub(crate) const FIRMWARE: &str = env!("CARGO_PKG_VERSION");

impl Nvm {
    pub(crate) fn plan_identify(&mut self, sqe: &Sqe, controller: Tag) -> Verdict {
        // Built here and once more when the buffer is there: what is asked for is checked in one place.
        self.identity(sqe, controller)?;
        self.answer_of(sqe, IDENTIFY_BYTES as u32)
    }

    pub(crate) fn identify(&mut self, sqe: &Sqe, controller: Tag, data: &mut [u8]) -> Result<u64, Fail> {
        data.copy_from_slice(&self.identity(sqe, controller)?);
        Ok(0)
    }

    fn identity(&self, sqe: &Sqe, controller: Tag) -> Result<Vec<u8>, Fail> {
        let asked = Identify::of(sqe);
        let nsid = sqe.nsid.get();
        let known = self.controllers.get(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        let subsystem = self.subsystems.get(known.subsystem).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        if known.discovery && asked.cns != Cns::CONTROLLER {
            return Err(Status::INVALID_FIELD.into());
        }
        match (asked.cns, asked.csi) {
            (Cns::CONTROLLER, _) => Ok(self.controller_data(known, subsystem)),
            (Cns::NAMESPACE | Cns::ALLOCATED_NAMESPACE, _) => of_namespace(subsystem, nsid, namespace_data::namespace),
            (Cns::NAMESPACE_DESCRIPTORS, _) => {
                let view = subsystem.view_of(nsid).ok_or(Status::INVALID_NAMESPACE_OR_FORMAT)?;
                Ok(namespace_data::descriptors(view))
            }
            (Cns::NAMESPACE_CSI, Csi::NVM) => of_namespace(subsystem, nsid, namespace_data::nvm_part),
            (Cns::NAMESPACE_INDEPENDENT, _) => of_namespace(subsystem, nsid, namespace_data::independent),
            (Cns::CONTROLLER_CSI, Csi::NVM) => Ok(nvm_part()),
            (Cns::ACTIVE_NAMESPACES | Cns::ALLOCATED_NAMESPACES, _) | (Cns::ACTIVE_NAMESPACES_CSI, Csi::NVM) => {
                namespace_list(subsystem, nsid)
            }
            (Cns::IO_COMMAND_SETS, _) => Ok(CommandSetVectors::nvm_only().as_bytes().to_vec()),
            _ => Err(Status::INVALID_FIELD.into()),
        }
    }

    fn controller_data(&self, controller: &Controller, subsystem: &Subsystem) -> Vec<u8> {
        let (view, transport) = (&subsystem.view, &self.limits.config.transport);
        let mut id = wire::identify::Controller::new_zeroed();
        id.sn = wire::padded(&view.serial);
        id.mn = wire::padded(&view.model);
        id.fr = wire::padded(FIRMWARE);
        id.cmic = bits::CMIC_MULTI_PORT | bits::CMIC_MULTI_CTRL;
        id.mdts = self.limits.mdts;
        id.cntlid = U16::new(controller.cntlid);
        id.ver = U32::new(property::VERSION.0);
        id.oaes = U32::new(offered_events(controller.discovery).0);
        id.ctratt = U32::new(bits::CTRATT_HOSTID_128);
        id.acl = abort::ACL_Z;
        id.aerl = aer::AERL_Z;
        id.lpa = bits::LPA_EXTENDED | bits::LPA_MISC;
        id.elpe = (error_log::ENTRIES - 1) as u8;
        id.kas = U16::new(transport.kas);
        id.maxcmd = U16::new(if controller.discovery { transport.max_aq_depth } else { transport.max_queue_depth });
        id.sgls = U32::new(self.sgl_support());
        // A name that does not fit cannot be connected to, so it is not found here.
        id.subnqn = Nqn::new(&view.nqn).unwrap_or(Nqn([0; 256]));
        if controller.discovery {
            self.discovery_part(&mut id);
        } else {
            self.io_part(&mut id, subsystem);
        }
        id.as_bytes().to_vec()
    }

    fn discovery_part(&self, id: &mut wire::identify::Controller) {
        id.cntrltype = bits::CNTRLTYPE_DISCOVERY;
        id.ioccsz = capsule(SQE_BYTES + self.in_capsule(TCP_ADMIN_IN_CAPSULE_BYTES));
        id.iorcsz = capsule(CQE_BYTES);
        id.msdbd = 1;
    }

    fn io_part(&self, id: &mut wire::identify::Controller, subsystem: &Subsystem) {
        id.cntrltype = bits::CNTRLTYPE_IO;
        id.rab = 6;
        id.frmw = bits::FRMW_SLOT1_RO | bits::FRMW_ONE_SLOT;
        id.lpa |= bits::LPA_EFFECTS;
        (id.sqes, id.cqes) = (0x66, 0x44);
        id.nn = U32::new(subsystem.view.max_namespaces);
        id.oncs = U16::new(bits::ONCS_COMPARE | bits::ONCS_DSM | bits::ONCS_WRITE_ZEROES | bits::ONCS_SAVE_SELECT);
        // Always: a volume with a cache may be added to a host that asked only once. Which volumes have none is told for
        // each by VWCNP.
        id.vwc = bits::VWC_PRESENT | bits::VWC_FLUSH_ALL_NO;
        id.ioccsz = capsule(SQE_BYTES + self.in_capsule(self.limits.config.transport.in_capsule_data_size));
        id.iorcsz = capsule(CQE_BYTES);
        id.msdbd = 1;
        id.ofcs = U16::new(bits::OFCS_DISCONNECT);
    }

    /// Bytes of data that a capsule may hold: `bytes`, but none where commands travel without.
    fn in_capsule(&self, bytes: u32) -> u32 {
        if self.limits.config.transport.trtype == Trtype::Fc { 0 } else { bytes }
    }

    fn sgl_support(&self) -> u32 {
        bits::SGLS_SUPPORTED
            | match self.limits.config.transport.trtype {
                Trtype::Rdma => bits::SGLS_OFFSET | bits::SGLS_KEYED,
                Trtype::Tcp => bits::SGLS_OFFSET | bits::SGLS_TRANSPORT,
                // Offsets are of data in the capsule.
                Trtype::Fc => bits::SGLS_TRANSPORT,
            }
    }
}

fn capsule(bytes: u32) -> U32 {
    U32::new(bytes / CAPSULE_UNIT_BYTES)
}

fn nvm_part() -> Vec<u8> {
    let mut id = ControllerNvm::new_zeroed();
    id.wzsl = WZSL;
    id.as_bytes().to_vec()
}

/// A structure of one namespace: zeroes for one that is not active.
fn of_namespace(
    subsystem: &Subsystem,
    nsid: u32,
    build: impl Fn(&crate::NamespaceView) -> Vec<u8>,
) -> Result<Vec<u8>, Fail> {
    if nsid == 0 || nsid > subsystem.view.max_namespaces {
        return Err(Status::INVALID_NAMESPACE_OR_FORMAT.into());
    }
    Ok(subsystem.view_of(nsid).map_or_else(|| vec![0; IDENTIFY_BYTES], build))
}

fn namespace_list(subsystem: &Subsystem, after: u32) -> Result<Vec<u8>, Fail> {
    if after >= NSID_ALL - 1 {
        return Err(Status::INVALID_NAMESPACE_OR_FORMAT.into());
    }
    Ok(wire::identify::NsList::after(after, subsystem.nsids()).as_bytes().to_vec())
}
