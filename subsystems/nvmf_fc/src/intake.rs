//! Commands as they come in: which connection's they are, and whether they are commands at all.

use crate::connection::{Command, Phase};
use crate::notes::Note;
use crate::port::{FcNvmePort, PortEvent, places};
use crate::response;
use exchange::Event;
use fc::{Iu, SessionId, Xid};
use nvmf::{Capsule, Completion};
use reactor::log_limited;
use wire::fabrics::{Connect, FcType, Where, connect_invalid, sqe_offset};
use wire::fcnvme::{CmndIu, ErspResult};
use wire::nvme::{Cqe, Sgl, Sqe, Status};
use wire::zerocopy::transmute;

impl FcNvmePort {
    /// A command IU. One that is none, or whose connection is not there, is terminated without a response (FC-NVMe-2: the
    /// host then ends the association).
    pub(crate) fn on_command(&mut self, place: usize, xid: Xid, session: SessionId, iu: &Iu) -> Option<PortEvent> {
        let cmnd = match CmndIu::parse(iu.bytes()) {
            Ok(cmnd) => cmnd,
            Err(fault) => {
                let id = wire::parse::<CmndIu>(iu.bytes()).map(|cmnd| cmnd.connection_id.get());
                self.complain(place, session, &fault);
                return self.spoil(place, xid, id.and_then(|id| self.find(place, session, id)));
            }
        };
        let Some(queue) = self.find(place, session, cmnd.connection_id.get()) else {
            self.complain(place, session, &"a command for a connection that is not there");
            return self.spoil(place, xid, None);
        };
        let connection = self.connections.at(queue);
        if connection.unanswered >= connection.asked.entries || connection.open as usize >= places(&connection.asked) {
            self.complain(place, session, &"more commands than the queue has entries");
            return self.spoil(place, xid, Some(queue));
        }
        if let Some((result, completion)) = self.fault_of(queue, cmnd) {
            let response = response::extended(self.connections.at(queue), result, 0, completion);
            self.refuse(place, xid, Some(response));
            return None;
        }
        Some(self.take_in(place, xid, queue, cmnd))
    }

    #[inline]
    fn take_in(&mut self, lane: usize, xid: Xid, queue: u32, cmnd: &CmndIu) -> PortEvent {
        let connection = self.connections.at(queue);
        connection.open += 1;
        connection.unanswered += 1;
        let command = Command {
            queue,
            lane,
            xid,
            opcode: cmnd.sqe.opcode,
            flags: cmnd.sqe.flags,
            data_length: cmnd.data_length.get(),
            moved: 0,
            phase: Phase::New,
            aborted: false,
            held: None,
        };
        let tag = self.commands.insert(command).expect("a place for each command that a connection may have");
        self.lanes.at(lane).set_tag(xid, Some(tag));
        Event::Command { tag, queue, command: Capsule { sqe: transmute!(cmnd.sqe), queue, inline: 0 } }
    }

    /// The open connection that a host calls `id`, if it is that host's.
    #[inline]
    fn find(&self, place: usize, session: SessionId, id: u64) -> Option<u32> {
        let queue = self.connections.find(id)?;
        let connection = self.connections.get(queue)?;
        let of_it = (connection.asked.lane, connection.asked.session) == (place, session);
        (of_it && !connection.closing).then_some(queue)
    }

    /// What the connection itself has against a command.
    #[inline]
    fn fault_of(&self, queue: u32, cmnd: &CmndIu) -> Option<(ErspResult, Completion)> {
        let length = cmnd.data_length.get();
        let cqe = |status, dw0| -> Completion { transmute!(Cqe::new(cmnd.sqe.cid.get(), status).with_dw0(dw0)) };
        // What the command says that it moves and what the exchange moves are the same, or the host would get too much.
        match cmnd.sqe.dptr.parse() {
            Sgl::Transport { length: said } if said != length => {
                return Some((ErspResult::INVALID_FIELD, cqe(Status::SUCCESS, 0)));
            }
            _ => {}
        }
        let wrong = connect_fault(&self.connections.get(queue)?.asked, &cmnd.sqe)?;
        let status = Status::CONNECT_INVALID_PARAMETERS.with_dnr();
        Some((ErspResult::SUCCESS, cqe(status, connect_invalid(Where::Sqe, wrong))))
    }

    /// Terminates an exchange; and the association when its host broke the rules on a connection of it.
    #[cold]
    fn spoil(&mut self, place: usize, xid: Xid, of: Option<u32>) -> Option<PortEvent> {
        self.refuse(place, xid, None);
        if let Some(connection) = of.and_then(|queue| self.connections.get(queue)) {
            self.mail.send(0, Note::Broken { association: connection.asked.association });
        }
        None
    }

    #[cold]
    pub(crate) fn complain(&mut self, place: usize, session: SessionId, what: &dyn std::fmt::Display) {
        let Some(session) = self.lanes.get(place).and_then(|lane| lane.session(session)).copied() else { return };
        log_limited!(self.complaints, self.now, warn, "{} from {}: {what}", session.local, session.peer);
    }
}

/// The parameter of a Connect that is not what the connection was created for.
#[inline]
fn connect_fault(asked: &crate::notes::NewConnection, sqe: &Sqe) -> Option<u16> {
    if FcType::of(sqe) != Some(FcType::CONNECT) {
        return None;
    }
    let connect = Connect::of(sqe);
    if connect.qid.get() != asked.qid {
        Some(sqe_offset::QID)
    } else if connect.queue_size() != asked.entries {
        Some(sqe_offset::SQSIZE)
    } else {
        None
    }
}
