//! How a target is reached: a login over Fibre Channel, or iSCSI sessions.

use super::{Answer, Cdb, ScsiQueue, Transfer};
use crate::fibre::{FcPort, Lane};
use crate::iscsi::IscsiQueue;
use crate::{IscsiAddress, Options, Queue, Result};
use fc::{Fc4, Names, SessionId};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub enum Path {
    /// A login; queues share it.
    Fcp { port: Arc<FcPort>, session: SessionId, timeout: Duration },
    /// A session for commands that are waited for; each queue has another one.
    Iscsi { address: IscsiAddress, options: Box<Options>, session: Box<Mutex<Queue>> },
}

impl Path {
    pub fn fcp(target: Names, options: &Options) -> Result<Path> {
        let timeout = options.link.timeout;
        let port = FcPort::open(&options.fc.fabric, options.fc.names_of(&options.host), timeout)?;
        let session = port.login(target, Fc4::Fcp, timeout)?;
        Ok(Path::Fcp { port, session, timeout })
    }

    pub fn iscsi(address: &IscsiAddress, options: &Options) -> Result<Path> {
        let session = Queue::Iscsi(Box::new(IscsiQueue::connect(address, 1, 0, options)?));
        let (address, options) = (address.clone(), Box::new(options.clone()));
        Ok(Path::Iscsi { address, options, session: Box::new(Mutex::new(session)) })
    }

    pub fn queue(&self, lun: u16, slots: u16, buffer: u32) -> Result<Queue> {
        match self {
            Path::Fcp { port, session, .. } => {
                let lane = Lane::open(port, *session, slots, buffer)?;
                Ok(Queue::Scsi(Box::new(ScsiQueue::new(lane, lun, slots))))
            }
            Path::Iscsi { address, options, .. } => {
                let address = IscsiAddress { lun, ..address.clone() };
                let mut queue = Queue::Iscsi(Box::new(IscsiQueue::connect(&address, slots, buffer, options)?));
                past_attentions(&mut queue, options.link.timeout)?;
                Ok(queue)
            }
        }
    }

    /// One command, waited for; buffers have `least` bytes at least.
    pub fn transfer(&self, lun: u16, cdb: Cdb, transfer: Transfer<'_>, least: u32) -> Result<Answer> {
        let buffer = least.max(transfer.payload().bytes());
        match self {
            Path::Fcp { timeout, .. } => one(&mut self.queue(lun, 1, buffer)?, cdb, transfer, *timeout),
            Path::Iscsi { options, session, .. } => {
                let mut queue = session.lock().unwrap_or_else(PoisonError::into_inner);
                if let Queue::Iscsi(session) = &mut *queue {
                    session.grow(buffer as usize);
                    session.set_lun(lun);
                }
                one(&mut queue, cdb, transfer, options.link.timeout)
            }
        }
    }
}

/// A session of its own is a nexus of its own: it is told of the power on, and of what else happened before it.
fn past_attentions(queue: &mut Queue, timeout: Duration) -> Result<()> {
    for _ in 0..super::TRIES {
        if !one(queue, Cdb::test_unit_ready(), Transfer::None, timeout)?.is_passing() {
            break;
        }
    }
    Ok(())
}

fn one(queue: &mut Queue, cdb: Cdb, mut transfer: Transfer<'_>, timeout: Duration) -> Result<Answer> {
    let slot = queue.take().ok_or(crate::Error::Closed { what: "a command before was not answered" })?;
    if let Transfer::Out(data) = &transfer {
        queue.buffer_mut(slot)[..data.len()].copy_from_slice(data);
    }
    queue.start_scsi(slot, cdb, transfer.payload());
    queue.wait_for(slot, "a SCSI command", timeout)?;
    if let Transfer::In(data) = &mut transfer {
        data.copy_from_slice(&queue.buffer(slot)[..data.len()]);
    }
    let answer = queue.said(slot).cloned();
    queue.give(slot);
    Ok(answer.expect("it is over"))
}

impl Drop for Path {
    fn drop(&mut self) {
        if let Path::Fcp { port, session, .. } = self {
            port.logout(*session);
        }
    }
}
