//! Fabrics commands (NVMe Base 2.0c 6): which may come on which queue, and Disconnect.

use super::nvm_command::Nvm;
use super::queue::Role;
use super::reply::{Step, Verdict};
use crate::Capsule;
use ring::Tag;
use wire::fabrics::{Disconnect, FcType};
use wire::nvme::{FUSE_NONE, Sqe, Status};

impl Nvm {
    pub(crate) fn plan_fabrics(&mut self, _tag: Tag, capsule: &Capsule, sqe: &Sqe) -> Verdict {
        let kind = FcType::of(sqe).ok_or(Status::INVALID_OPCODE)?;
        if sqe.fuse() != FUSE_NONE {
            return Err(Status::INVALID_FIELD.into());
        }
        match (kind, self.queues.at(capsule.queue).role) {
            (FcType::CONNECT, Role::Fresh) => self.plan_connect(capsule, sqe),
            // A second Connect, or anything before the first.
            (FcType::CONNECT, _) | (_, Role::Fresh | Role::Connecting) => Err(Status::COMMAND_SEQUENCE_ERROR.into()),
            (FcType::PROPERTY_GET, Role::Admin(controller)) => self.property_get(controller, sqe),
            (FcType::PROPERTY_SET, Role::Admin(controller)) => self.property_set(controller, sqe),
            (FcType::DISCONNECT, role) => self.disconnect(capsule.queue, role, sqe),
            _ => Err(Status::INVALID_OPCODE.into()),
        }
    }

    /// Ends an I/O queue; the reply goes out first.
    fn disconnect(&mut self, queue: u32, role: Role, sqe: &Sqe) -> Verdict {
        if Disconnect::of(sqe).recfmt.get() != 0 {
            return Err(Status::CONNECT_INCOMPATIBLE_FORMAT.into());
        }
        if role != Role::Io {
            return Err(Status::DISCONNECT_INVALID_QUEUE_TYPE.into());
        }
        self.close_queue(queue);
        Ok(Step::Done(0))
    }
}
