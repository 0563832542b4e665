//! A volume as a load or a verification sees it, whichever protocol leads to it: a namespace or a logical unit.

use crate::scsi::Disk;
use crate::{Controller, Namespace, Options, Queue, Result, VolumeAddress};

/// A connection to a volume.
pub enum Volume {
    /// A namespace of an NVMe controller.
    Nvme(Box<Controller>, Namespace),
    /// A logical unit of a SCSI target.
    Scsi(Box<Disk>),
}

impl Volume {
    /// Connects. `nsid` says which namespace, if it is NVMe.
    ///
    /// # Errors
    /// What the target refused or did wrong.
    pub fn open(address: &VolumeAddress, nsid: u32, options: &Options) -> Result<Volume> {
        match address {
            VolumeAddress::Nvme(address) => {
                let mut controller = Controller::connect(address, options)?;
                let namespace = controller.namespace(nsid)?;
                Ok(Volume::Nvme(Box::new(controller), namespace))
            }
            VolumeAddress::Scsi(address) => Ok(Volume::Scsi(Box::new(Disk::connect(address, options)?))),
            VolumeAddress::Iscsi(address) => Ok(Volume::Scsi(Box::new(Disk::connect_iscsi(address, options)?))),
        }
    }

    /// What it is. A logical unit has its number for an NSID.
    pub fn namespace(&self) -> Namespace {
        match self {
            Volume::Nvme(_, namespace) => namespace.clone(),
            Volume::Scsi(disk) => disk.namespace().clone(),
        }
    }

    /// Most bytes of one command; none when there is no limit.
    pub fn max_transfer(&self) -> Option<u64> {
        match self {
            Volume::Nvme(controller, _) => controller.max_transfer(),
            Volume::Scsi(disk) => disk.max_transfer(),
        }
    }

    /// How many queues there may be, when so many are wanted.
    ///
    /// # Errors
    /// No or a bad answer.
    pub fn queue_count(&mut self, wanted: u16) -> Result<u16> {
        match self {
            Volume::Nvme(controller, _) => controller.set_queue_count(wanted),
            Volume::Scsi(_) => Ok(wanted),
        }
    }

    /// A queue of `entries` (one less can be outstanding) with buffers of `buffer` bytes; `qid` counts from 1.
    ///
    /// # Errors
    /// The target refuses it.
    pub fn queue(&self, qid: u16, entries: u16, buffer: u32) -> Result<Queue> {
        match self {
            Volume::Nvme(controller, _) => controller.io_queue(qid, entries, buffer),
            Volume::Scsi(disk) => disk.queue(entries, buffer),
        }
    }

    /// To be called now and then: keeps a controller alive.
    ///
    /// # Errors
    /// The connection is dead.
    pub fn tick(&mut self) -> Result<()> {
        match self {
            Volume::Nvme(controller, _) => controller.tick(),
            Volume::Scsi(_) => Ok(()),
        }
    }

    /// Leaves. Queues should be dropped before.
    ///
    /// # Errors
    /// The target did not follow.
    pub fn close(self) -> Result<()> {
        match self {
            Volume::Nvme(controller, _) => controller.disconnect(),
            Volume::Scsi(_) => Ok(()),
        }
    }
}
