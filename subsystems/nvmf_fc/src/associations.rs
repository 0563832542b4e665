//! The associations, on the first core: which connections each has and where, and how it ends.

use crate::limits;
use crate::notes::{Asked, Done, NewConnection, Note};
use crate::port::FcNvmePort;
use fc::SessionId;
use std::collections::BTreeMap;
use wire::fcnvme::{
    CreateAssociationAcc, CreateConnectionAcc, Disconnect, LsAcc, LsCommand, LsExplanation, LsReason, LsRjt,
};

/// A connection of an association.
#[derive(Debug)]
struct Member {
    core: usize,
    /// None until its core has made it.
    connection: Option<u64>,
    /// The request to create it, until that is answered.
    create: Option<Asked>,
    /// The request to end it alone.
    disconnect: Option<Asked>,
}

/// An association: one controller's connections.
#[derive(Debug)]
pub(crate) struct Association {
    pub lane: usize,
    pub session: SessionId,
    members: BTreeMap<u16, Member>,
    pub ending: bool,
    /// The host knows of it.
    accepted: bool,
    /// The host's request to end it, answered when the last connection is gone.
    disconnect: Option<Asked>,
}

/// All associations; and how many connections each core has.
pub(crate) struct Associations {
    all: BTreeMap<u64, Association>,
    loads: Vec<u32>,
    /// Who waits for the last association of a port.
    leaving: Vec<(usize, Done)>,
}

impl Associations {
    pub fn new(cores: usize) -> Self {
        Self { all: BTreeMap::new(), loads: vec![0; cores], leaving: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_full(&self) -> bool {
        self.all.len() >= limits::ASSOCIATIONS
    }

    /// One that is not ending, of that host.
    pub fn of_host(&self, id: u64, lane: usize, session: SessionId) -> Option<&Association> {
        self.all.get(&id).filter(|known| (known.lane, known.session) == (lane, session) && !known.ending)
    }

    pub fn insert(&mut self, id: u64, lane: usize, session: SessionId) {
        let members = BTreeMap::new();
        let association = Association { lane, session, members, ending: false, accepted: false, disconnect: None };
        assert!(self.all.insert(id, association).is_none(), "identifiers are not repeated");
    }

    /// Whether a port has any.
    pub fn uses(&self, lane: usize) -> bool {
        self.all.values().any(|association| association.lane == lane)
    }

    /// A place for a connection on the core that has the fewest.
    fn place(&mut self, id: u64, qid: u16, asked: Asked) -> usize {
        let core = (0..self.loads.len()).min_by_key(|core| self.loads[*core]).unwrap_or(0);
        let member = Member { core, connection: None, create: Some(asked), disconnect: None };
        self.loads[core] += 1;
        self.all.get_mut(&id).expect("a known association").members.insert(qid, member);
        core
    }
}

impl Association {
    pub fn has(&self, qid: u16) -> bool {
        self.members.contains_key(&qid)
    }

    fn qid_of(&self, connection: u64) -> Option<u16> {
        self.members.iter().find(|(_, member)| member.connection == Some(connection)).map(|(qid, _)| *qid)
    }
}

impl FcNvmePort {
    /// Has a core make a connection; `asked` is answered then.
    pub(crate) fn order_connection(&mut self, new: NewConnection, asked: Asked) {
        let core = self.associations.place(new.association, new.qid, asked);
        self.mail.send(core, Note::Open(new));
    }

    /// A connection was made, or could not be.
    pub(crate) fn on_opened(&mut self, id: u64, qid: u16, connection: Option<u64>) {
        let Some(association) = self.associations.all.get_mut(&id) else { return };
        let Some(member) = association.members.get_mut(&qid) else { return };
        let (core, asked) = (member.core, member.create.take());
        member.connection = connection;
        let Some(connection) = connection else {
            let reason = (LsReason::INSUFFICIENT_RESOURCES, LsExplanation::NONE);
            asked.inspect(|asked| self.reject(*asked, created(qid), reason));
            return self.on_gone(id, qid);
        };
        if association.ending {
            return self.mail.send(core, Note::Close { connection });
        }
        let Some(asked) = asked else { return };
        association.accepted = true;
        match qid {
            0 => self.answer(asked, &CreateAssociationAcc::new(id, connection).to_bytes()),
            _ => self.answer(asked, &CreateConnectionAcc::new(connection).to_bytes()),
        }
    }

    /// A connection is gone. With the admin queue the association ends.
    pub(crate) fn on_gone(&mut self, id: u64, qid: u16) {
        let Some(association) = self.associations.all.get_mut(&id) else { return };
        let Some(member) = association.members.remove(&qid) else { return };
        self.associations.loads[member.core] -= 1;
        if let Some(asked) = member.disconnect {
            self.answer(asked, &LsAcc::new(LsCommand::DISCONNECT_CONNECTION).to_bytes());
        }
        if qid == 0 {
            self.end_association(id);
        }
        self.settle(id);
    }

    /// The host wants an association to end.
    pub(crate) fn disconnect(&mut self, id: u64, asked: Asked) {
        let Some(association) = self.associations.all.get_mut(&id) else { return };
        association.disconnect = Some(asked);
        self.end_association(id);
    }

    /// The host wants a connection to end. `false` when it has no such connection.
    pub(crate) fn disconnect_one(&mut self, id: u64, connection: u64, asked: Asked) -> bool {
        let Some(association) = self.associations.all.get_mut(&id) else { return false };
        let Some(qid) = association.qid_of(connection) else { return false };
        let Some(member) = association.members.get_mut(&qid) else { return false };
        let core = member.core;
        if let Some(older) = member.disconnect.replace(asked) {
            self.reject(older, LsCommand::DISCONNECT_CONNECTION, (LsReason::UNABLE, LsExplanation::NONE));
        }
        self.mail.send(core, Note::Close { connection });
        true
    }

    /// Ends those for which `wanted` holds.
    pub(crate) fn end_associations(&mut self, wanted: impl Fn(&Association) -> bool) {
        let all = self.associations.all.iter().filter(|(_, association)| wanted(association));
        let all: Vec<u64> = all.map(|(id, _)| *id).collect();
        all.into_iter().for_each(|id| self.end_association(id));
    }

    /// Ends an association: all its connections, wherever they are.
    pub(crate) fn end_association(&mut self, id: u64) {
        let Some(association) = self.associations.all.get_mut(&id) else { return };
        if std::mem::replace(&mut association.ending, true) {
            return;
        }
        let mut refused = Vec::new();
        for (qid, member) in &mut association.members {
            // One that is being made is ended when it is.
            if let Some(connection) = member.connection {
                self.mail.send(member.core, Note::Close { connection });
            }
            refused.extend(member.create.take().map(|asked| (*qid, asked)));
        }
        for (qid, asked) in refused {
            self.reject(asked, created(qid), (LsReason::UNABLE, LsExplanation::NONE));
        }
        self.settle(id);
    }

    /// The last connection of an association that ends is gone: tells its host, and answers its wish, in this order
    /// (FC-NVMe-2, Disconnect Association).
    fn settle(&mut self, id: u64) {
        let over = |association: &&Association| association.ending && association.members.is_empty();
        if self.associations.all.get(&id).filter(over).is_none() {
            return;
        }
        let Some(association) = self.associations.all.remove(&id) else { return };
        if let Some(lane) = self.lanes.get_mut(association.lane)
            && lane.session(association.session).is_some()
        {
            if association.accepted {
                lane.queue.request(association.session, Disconnect::new(id).to_bytes().into());
            }
            if let Some(asked) = association.disconnect {
                self.answer(asked, &LsAcc::new(LsCommand::DISCONNECT_ASSOCIATION).to_bytes());
            }
        }
    }

    /// No more associations on a port; `done` when the last is gone.
    pub(crate) fn leave(&mut self, place: usize, end: bool, done: Done) {
        if let Some(lane) = self.lanes.get_mut(place) {
            lane.accepting = false;
        }
        self.associations.leaving.push((place, done));
        if end {
            self.end_associations(|association| association.lane == place);
        }
    }

    /// Says to whom waits for it that a port's last association is gone; and what that had to say is on its way by now.
    pub(crate) fn tell_leavers(&mut self) {
        let Associations { all, leaving, .. } = &mut self.associations;
        leaving.retain(|(place, done)| {
            let used = all.values().any(|association| association.lane == *place);
            if !used {
                let _ = done.try_send(());
            }
            used
        });
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, asked: Asked, payload: &[u8]) {
        if let Some(lane) = self.lanes.get_mut(asked.lane) {
            lane.queue.answer(asked.xid, payload.into());
        }
    }

    pub(crate) fn reject(&mut self, asked: Asked, request: LsCommand, why: (LsReason, LsExplanation)) {
        self.answer(asked, &LsRjt::new(request, why.0, why.1).to_bytes());
    }
}

/// The request that creates a queue.
fn created(qid: u16) -> LsCommand {
    if qid == 0 { LsCommand::CREATE_ASSOCIATION } else { LsCommand::CREATE_CONNECTION }
}
