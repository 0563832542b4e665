//! Answers to requests of ours, each to who asked.

use crate::fc2::{Failure, Payload};
use crate::node::{Core, NodeEvent, PortKey, What};
use wire::fc::PortId;

impl Core {
    /// `local` is where the answer was sent to: for a fabric login, the address that was given.
    pub fn answer_came(&mut self, key: PortKey, what: What, local: PortId, result: Result<Payload, Failure>) {
        match what {
            What::Ls { context } => return self.tell(NodeEvent::LsReply { context, result }),
            What::Ct { context } => return self.tell(NodeEvent::CtReply { context, result }),
            _ => {}
        }
        let answer = result.as_ref().map_err(|failure| *failure);
        match what {
            What::FabricLogin => self.fabric_answered(key, local, answer),
            What::PointToPoint => self.point_to_point_answered(answer),
            What::Directory => self.directory_answered(key, answer),
            What::Register => self.registered(key, answer),
            What::StateChanges => self.state_changes_answered(key, answer),
            What::Plogi { remote } => self.plogi_answered(key, remote, answer),
            What::Prli { login, remote } => self.prli_answered(key, login, remote, answer),
            What::Lookup { login } => self.looked_up(key, login, answer),
            What::Verify { remote } => self.verified(key, remote, answer),
            What::Adisc { remote } => self.adisc_answered(key, remote, answer),
            What::Holder { held } => self.holder_answered(key, &held, answer.ok().map(Payload::bytes)),
            What::Quiet | What::Ls { .. } | What::Ct { .. } => {}
        }
        self.forget(result);
    }

    /// An answer to a request of an earlier life of its port. Who waits for it elsewhere is told.
    pub fn late_answer(&mut self, what: What) {
        let result = Err(Failure::LinkDown);
        match what {
            What::Ls { context } => self.tell(NodeEvent::LsReply { context, result }),
            What::Ct { context } => self.tell(NodeEvent::CtReply { context, result }),
            What::Holder { held } => self.fc2.discard(held.xid),
            _ => {}
        }
    }
}
