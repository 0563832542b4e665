//! Commands from the ATIO queue: whose they are, which lane gets them, and what those get that find no place.
//!
//! - Owns: which session an address pair means, and refusals that wait for room in the base request queue.
//! - In: groups of the ATIO queue (type 06h). Out: [`ToLane::Command`], CTIOs that refuse.
//! - Limits: [`MOST_REFUSALS`] wait; what is more is dropped, its initiator sees a time-out.
//! - Not done: commands of sessions that are not there: the caller may keep them for a while.

use crate::assumptions;
use crate::lane::{Command, LaneEnd, Refused, Session, ToLane};
use crate::ring::{Entry, Group, RequestRing};
use fc::{Fc4, Iu, SessionId, lane_of_connection};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use wire::fc::PortId;
use wire::fcp::Cmnd;
use wire::isp::iocb::{Atio7, Iocb as _, NO_EXCHANGE, NPORT_UNRECOGNISED, atio_payload};
use wire::scsi::Status;

/// Refusals that may wait for room.
pub const MOST_REFUSALS: usize = 256;

/// Of the adapter's exchanges, so many in a hundred may be open before commands are refused.
const FULL_PERCENT: usize = 90;

/// Where the connection identifier is in an NVMe command IU (FC-NVMe-2, 9.2).
const CONNECTION: std::ops::Range<usize> = 8..16;

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A lane has it, or it was refused.
    Taken,
    /// There is no session between these. The caller tries again, or calls [`Intake::terminate`].
    NoSession {
        /// Who sent it.
        peer: PortId,
        /// To which of our addresses.
        local: PortId,
    },
    /// It contradicts itself. Its exchange was ended.
    Malformed,
}

/// Counters of commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commands that a lane got.
    pub commands: u64,
    /// Commands that were answered TASK SET FULL, or ended.
    pub full: u64,
    /// Commands that came without an exchange.
    pub busy: u64,
    /// Groups that contradict themselves.
    pub malformed: u64,
    /// Refusals that had no room.
    pub dropped: u64,
}

/// A session and its lanes.
struct Served {
    session: Session,
    lanes: Box<[usize]>,
}

/// Spreads keys that are numbers already.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, n: u64) {
        let mixed = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

fn key(local: PortId, peer: PortId, fc4: Fc4) -> u64 {
    (fc4 as u64) << 48 | u64::from(local.0 & 0xff_ffff) << 24 | u64::from(peer.0 & 0xff_ffff)
}

/// The routing of commands.
pub struct Intake {
    sessions: HashMap<u64, Served, BuildHasherDefault<Spread>>,
    ports: Vec<(PortId, u8)>,
    /// Exchanges that may be open.
    limit: usize,
    /// Commands that may come before it must be looked again how many are open.
    headroom: usize,
    refusals: VecDeque<Entry>,
    counters: Counters,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            sessions: HashMap::default(),
            ports: Vec::new(),
            limit: usize::MAX,
            headroom: 0,
            refusals: VecDeque::with_capacity(MOST_REFUSALS),
            counters: Counters::default(),
        }
    }
}

/// A group, read.
struct Read<'a> {
    atio: &'a Atio7,
    local: PortId,
    peer: PortId,
    fc4: Fc4,
    iu: &'a [u8],
}

/// `None`: it contradicts itself.
#[inline]
fn read(group: &Group) -> Option<Read<'_>> {
    let atio = Atio7::of(group.first());
    let iu = atio_payload(group.entries())?;
    let fc4 = if assumptions::is_nvme_command(atio) { Fc4::Nvme } else { Fc4::Fcp };
    Some(Read { atio, local: atio.frame.d_id(), peer: atio.frame.s_id(), fc4, iu })
}

impl Intake {
    /// Commands of a session go to `lanes`, by place: of FCP to the first, of NVMe by their connection. An earlier session between the same
    /// addresses is forgotten.
    pub fn insert(&mut self, session: &Session, lanes: &[usize]) {
        let info = &session.info;
        let served = Served { session: *session, lanes: lanes.into() };
        self.sessions.insert(key(info.local_id, info.peer_id, info.fc4), served);
    }

    /// There is no such session any more.
    pub fn remove(&mut self, id: SessionId) {
        self.sessions.retain(|_, served| served.session.info.id != id);
    }

    /// There is no session any more, and no refusal that waits.
    pub fn clear(&mut self) {
        self.sessions.clear();
        self.refusals.clear();
    }

    /// Our addresses, and the virtual port of each.
    pub fn set_ports(&mut self, ports: &[(PortId, u8)]) {
        self.ports = ports.to_vec();
    }

    /// How many exchanges the adapter has for commands.
    pub fn set_exchanges(&mut self, exchanges: usize) {
        self.limit = exchanges.saturating_mul(FULL_PERCENT) / 100;
        self.headroom = 0;
    }

    /// Gives a command to its lane; or refuses it.
    #[inline]
    pub fn command(&mut self, group: &Group, lanes: &mut [Option<LaneEnd>], base: &mut RequestRing) -> Verdict {
        let Some(read) = read(group) else { return self.malformed(group, base) };
        let Some(served) = self.sessions.get(&key(read.local, read.peer, read.fc4)) else {
            return Verdict::NoSession { peer: read.peer, local: read.local };
        };
        let lane = lane_of(served, read.iu);
        let command = command(&served.session, &read);
        if command.exchange == NO_EXCHANGE {
            self.counters.busy += 1;
            self.refuse(&read, command, Status::BUSY, base);
            return Verdict::Taken;
        }
        let short = self.headroom == 0 && !self.look(lanes);
        match lanes.get_mut(lane).and_then(Option::as_mut) {
            Some(end) if !short && end.has_room() => {
                end.push(ToLane::Command(command));
                self.headroom -= 1;
                self.counters.commands += 1;
            }
            _ => {
                self.counters.full += 1;
                self.refuse(&read, command, Status::TASK_SET_FULL, base);
            }
        }
        Verdict::Taken
    }

    /// Looks how many exchanges are open. Only commands add to that, so as many as are missing may come before the next look.
    fn look(&mut self, lanes: &[Option<LaneEnd>]) -> bool {
        let open: usize = lanes.iter().flatten().map(|lane| lane.open() as usize).sum();
        self.headroom = self.limit.saturating_sub(open);
        self.headroom > 0
    }

    /// Ends the exchange of a command that nobody wants.
    pub fn terminate(&mut self, group: &Group, base: &mut RequestRing) {
        let atio = Atio7::of(group.first());
        let local = atio.frame.d_id();
        let vp = self.ports.iter().find(|(id, _)| *id == local).map_or(0, |(_, vp)| *vp);
        let refused = Refused {
            handle: NPORT_UNRECOGNISED,
            vp,
            peer: atio.frame.s_id(),
            exchange: atio.exchange_address.get(),
            ox_id: atio.frame.ox_id(),
            attribute: atio.attribute(),
        };
        // Without an exchange there is nothing to end.
        if refused.exchange != NO_EXCHANGE {
            self.send(refused.terminate(), base);
        }
    }

    #[cold]
    fn malformed(&mut self, group: &Group, base: &mut RequestRing) -> Verdict {
        self.counters.malformed += 1;
        if group.first()[0] == Atio7::TYPE.0 {
            self.terminate(group, base);
        }
        Verdict::Malformed
    }

    /// FCP is told why; NVMe has no words for that, and its host will end the association.
    #[cold]
    fn refuse(&mut self, read: &Read<'_>, command: Command, status: Status, base: &mut RequestRing) {
        let Command { handle, vp, peer, exchange, ox_id, attribute, .. } = command;
        let refused = Refused { handle, vp, peer, exchange, ox_id, attribute };
        match read.fc4 {
            Fc4::Fcp => {
                let expected = Cmnd::parse(read.iu).map_or(0, |cmnd| cmnd.data_length);
                self.send(refused.status(status.0, expected), base);
            }
            Fc4::Nvme if exchange != NO_EXCHANGE => self.send(refused.terminate(), base),
            Fc4::Nvme => {}
        }
    }

    fn send(&mut self, entry: Entry, base: &mut RequestRing) {
        self.send_waiting(base);
        if self.refusals.is_empty() && base.push(&[entry]) {
            return;
        }
        if self.refusals.len() < MOST_REFUSALS {
            self.refusals.push_back(entry);
        } else {
            self.counters.dropped += 1;
        }
    }

    /// Sends refusals that had no room, as far as there is some now.
    pub fn send_waiting(&mut self, base: &mut RequestRing) {
        while let Some(entry) = self.refusals.front() {
            if !base.push(&[*entry]) {
                return;
            }
            self.refusals.pop_front();
        }
    }

    /// Whether refusals wait.
    pub fn is_pending(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// What it counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

/// The place of the lane that a command goes to; one that is too short to say goes to the first.
#[inline]
fn lane_of(served: &Served, iu: &[u8]) -> usize {
    let lane = match served.session.info.fc4 {
        Fc4::Fcp => 0,
        Fc4::Nvme if served.lanes.is_empty() => 0,
        Fc4::Nvme => {
            let connection = iu.get(CONNECTION).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
            lane_of_connection(connection, served.lanes.len())
        }
    };
    served.lanes.get(lane).copied().unwrap_or(usize::MAX)
}

#[inline]
fn command(session: &Session, read: &Read<'_>) -> Command {
    Command {
        session: session.info.id,
        handle: session.handle,
        vp: session.vp,
        peer: read.peer,
        exchange: read.atio.exchange_address.get(),
        ox_id: read.atio.frame.ox_id(),
        attribute: read.atio.attribute(),
        iu: Iu::new(read.iu),
    }
}
