//! PERSISTENT RESERVE OUT on a core (SPC-4 6.16): its list becomes a request, and what that does to others is told to them before
//! the command is answered.

use super::super::block::Planned;
use super::super::fail::Fail;
use super::super::notice::{Abort, Notice, Then, Wait, Whom};
use super::super::open::Open;
use super::super::parameters;
use super::super::scsi::Scsi;
use crate::control::Job;
use crate::shared::{Action, Effects, IDS_AT, ItNexus, Kind, Request, Served};
use crate::{PortName, Reply, Task, TransportId};
use exchange::{Order, Plan};
use ring::Tag;
use std::sync::Arc;
use wire::scsi::reservation::{MoveList, OutList, out};
use wire::scsi::{Asc, Key};

const LENGTH_ERROR: Fail = Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR);
/// Bytes of a list without TransportIDs.
const LIST_BYTES: usize = size_of::<OutList>();
/// Where the list has SPEC_I_PT, ALL_TG_PT and APTPL.
const FLAGS_AT: u16 = 20;
/// ... and REGISTER AND MOVE its own, and the target port.
const MOVE_FLAGS_AT: u16 = 17;
const RELATIVE_AT: u16 = 18;

/// What the CDB says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub action: u8,
    pub scope: u8,
    pub kind: u8,
}

/// The plan of the command: its list.
pub(crate) fn plan(asked: Asked, length: u32, task: &Task, largest: u32) -> Planned {
    if (length as usize) < LIST_BYTES {
        return Err(LENGTH_ERROR);
    }
    let is_scoped = matches!(asked.action, out::RESERVE | out::RELEASE | out::PREEMPT | out::PREEMPT_AND_ABORT);
    if is_scoped && asked.scope != 0 {
        return Err(Fail::in_cdb(2));
    }
    parameters::take(length, task, largest)
}

impl Scsi {
    /// Serves the command, whose list has come. `None`: done.
    pub(crate) fn persistent_out(
        &mut self,
        tag: Tag,
        place: u32,
        task: &Task,
        asked: Asked,
        list: &[u8],
    ) -> Result<Option<Plan<Reply>>, Fail> {
        let queue = task.queue;
        let nexus = self.it_nexus(queue).ok_or(Fail::NO_UNIT)?;
        let request = self.request(queue, &nexus, asked, list)?;
        let unit = self.unit_at(queue, place).ok_or(Fail::NO_UNIT)?;
        let (id, shared) = (unit.id, unit.view.shared.clone());
        let volume = (unit.view.info.uuid, unit.view.info.name.clone());
        match shared.reservations.serve(&nexus, &request) {
            Served::Now(Err(fail)) => Err(fail),
            Served::Now(Ok(effects)) => {
                let notices = notices(queue, id, effects);
                if notices.is_empty() {
                    return Ok(None);
                }
                let reply = self.good(tag);
                self.announce_all(tag, notices, Then::Answer(reply));
                Ok(Some(Plan::Control))
            }
            Served::ByKeeper => {
                let Some(from) = self.homes.own_sender().cloned() else {
                    shared.reservations.not_pending();
                    return Err(NO_KEEPER);
                };
                let job = Job { shared, volume, nexus, request, from, tag };
                if let Err(job) = self.config.device.keeper.give(job) {
                    job.shared.reservations.not_pending();
                    return Err(NO_KEEPER);
                }
                if let Some(open) = self.open.get_mut(tag) {
                    open.committed = true;
                }
                Ok(Some(Plan::Control))
            }
        }
    }

    /// The keeper has decided.
    pub(crate) fn kept(&mut self, tag: Tag, result: Result<Effects, Fail>) {
        let Some(&Open { queue, slot, transfer, .. }) = self.open.get(tag) else { return };
        let unit = self.nexuses.get(queue as usize).and_then(Option::as_ref).and_then(|nexus| nexus.slot(slot));
        let Some(id) = unit.map(|slot| slot.unit_id) else { return };
        match result {
            Ok(effects) => {
                let reply = self.good(tag);
                self.announce_all(tag, notices(queue, id, effects), Then::Answer(reply));
            }
            Err(fail) => {
                self.settle(tag);
                self.todo.push_back(Order::Answer { tag, reply: transfer.failed(fail, transfer.moves) });
            }
        }
    }

    fn good(&self, tag: Tag) -> Reply {
        let transfer = self.open.get(tag).map(|open| open.transfer).unwrap_or_default();
        transfer.good(transfer.moves)
    }

    fn request(&self, queue: u32, nexus: &ItNexus, asked: Asked, list: &[u8]) -> Result<Request, Fail> {
        if asked.action == out::REGISTER_AND_MOVE {
            return self.move_request(queue, list);
        }
        let head: &OutList = wire::parse(list).ok_or(LENGTH_ERROR)?;
        let has = |flag: u8| head.flags & flag != 0;
        let names = has(OutList::SPEC_I_PT);
        if names && asked.action != out::REGISTER {
            return Err(Fail::in_list(FLAGS_AT));
        }
        if !names && list.len() != LIST_BYTES {
            return Err(LENGTH_ERROR);
        }
        let kind = || Kind::of(asked.kind).ok_or(Fail::in_cdb(2));
        let action = match asked.action {
            out::REGISTER | out::REGISTER_AND_IGNORE => {
                let aptpl = has(OutList::APTPL);
                self.can_keep(aptpl, FLAGS_AT)?;
                let everywhere = has(OutList::ALL_TG_PT);
                let targets = if everywhere { self.targets_beside(queue, nexus) } else { Vec::new() };
                let at_targets = |initiator: PortName| {
                    targets.iter().map(move |(target, relative)| ItNexus {
                        initiator,
                        target: *target,
                        relative: *relative,
                    })
                };
                let others: Vec<ItNexus> = at_targets(nexus.initiator).collect();
                let named = if names { Some(self.named(nexus, list)?) } else { None };
                let named = named.map(|ports| {
                    let all =
                        |port: PortName| std::iter::once(ItNexus { initiator: port, ..*nexus }).chain(at_targets(port));
                    ports.into_iter().flat_map(all).collect()
                });
                Action::Register { ignore: asked.action == out::REGISTER_AND_IGNORE, named, others, aptpl }
            }
            out::RESERVE => Action::Reserve(kind()?),
            out::RELEASE => Action::Release(kind()?),
            out::CLEAR => Action::Clear,
            out::PREEMPT => Action::Preempt { kind: kind().ok(), abort: false },
            out::PREEMPT_AND_ABORT => Action::Preempt { kind: kind().ok(), abort: true },
            _ => return Err(Fail::in_cdb(1)),
        };
        Ok(Request { action, key: head.key.get(), action_key: head.action_key.get() })
    }

    /// APTPL needs a place where reservations are kept.
    fn can_keep(&self, aptpl: bool, at: u16) -> Result<(), Fail> {
        if aptpl && self.config.device.keeper.store().is_none() { Err(Fail::in_list(at)) } else { Ok(()) }
    }

    fn move_request(&self, queue: u32, list: &[u8]) -> Result<Request, Fail> {
        let head: &MoveList = wire::parse(list).ok_or(LENGTH_ERROR)?;
        let id = &list[LIST_BYTES..];
        if id.len() as u64 != u64::from(head.length.get()) {
            return Err(LENGTH_ERROR);
        }
        let aptpl = head.flags & MoveList::APTPL != 0;
        self.can_keep(aptpl, MOVE_FLAGS_AT)?;
        let targets = self.targets(queue);
        let target = targets.iter().find(|(_, relative)| *relative == head.relative.get());
        let (target, relative) = *target.ok_or(Fail::in_list(RELATIVE_AT))?;
        let unreadable = Fail::in_list(IDS_AT);
        let (id, len) = TransportId::parse(id).ok_or(unreadable)?;
        let ports = self.ports_of(&id, &target);
        let [initiator] = ports[..] else { return Err(unreadable) };
        if len != head.length.get() as usize {
            return Err(unreadable);
        }
        let to = ItNexus { initiator, target, relative };
        let unregister = head.flags & MoveList::UNREG != 0;
        let action = Action::Move { to, unregister, aptpl };
        Ok(Request { action, key: head.key.get(), action_key: head.action_key.get() })
    }

    /// The initiator ports that a list names (SPEC_I_PT).
    fn named(&self, nexus: &ItNexus, list: &[u8]) -> Result<Vec<PortName>, Fail> {
        let ids = list.get(LIST_BYTES + 4..).ok_or(LENGTH_ERROR)?;
        let length = u32::from_be_bytes(list[LIST_BYTES..LIST_BYTES + 4].try_into().map_err(|_| LENGTH_ERROR)?);
        if ids.len() as u64 != u64::from(length) {
            return Err(LENGTH_ERROR);
        }
        let mut ports = Vec::new();
        let mut at = 0;
        while at < ids.len() {
            let wrong = Fail::in_list((LIST_BYTES + 4 + at).min(u16::MAX.into()) as u16);
            let (id, len) = TransportId::parse(&ids[at..]).ok_or(wrong)?;
            let found = self.ports_of(&id, &nexus.target);
            if found.is_empty() {
                return Err(wrong);
            }
            ports.extend(found);
            at += len;
        }
        Ok(ports)
    }

    /// The initiator ports that a TransportID means, as far as they can reach that port of ours. An iSCSI name without a session
    /// means all of its ports that are here.
    fn ports_of(&self, id: &TransportId, target: &PortName) -> Vec<PortName> {
        match id {
            TransportId::Port(port) if is_of_one_protocol(port, target) => vec![*port],
            TransportId::Port(_) => Vec::new(),
            TransportId::IscsiNode(_) => self.config.device.known.find(|port| id.names(port)),
        }
    }

    /// The ports of the target device of a nexus, and their numbers.
    fn targets(&self, queue: u32) -> Vec<(PortName, u16)> {
        let node = self.asked(queue).and_then(|asked| asked.node);
        let ports = node.into_iter().flat_map(|node| &node.maps).flat_map(|map| &map.ports);
        let mut targets: Vec<(PortName, u16)> = Vec::new();
        for port in ports {
            if !targets.iter().any(|(known, _)| known.is_same_port(&port.name)) {
                targets.push((port.name, port.relative));
            }
        }
        targets
    }

    /// Those of them that the same initiator port could reach besides.
    fn targets_beside(&self, queue: u32, nexus: &ItNexus) -> Vec<(PortName, u16)> {
        let mut targets = self.targets(queue);
        targets.retain(|(port, _)| !port.is_same_port(&nexus.target) && is_of_one_protocol(&nexus.initiator, port));
        targets
    }
}

/// The keeper's thread could not be reached.
const NO_KEEPER: Fail = Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE);

fn is_of_one_protocol(initiator: &PortName, target: &PortName) -> bool {
    matches!(
        (initiator, target),
        (PortName::Fc { .. }, PortName::Fc { .. }) | (PortName::Iscsi { .. }, PortName::IscsiTarget { .. })
    )
}

/// What the other nexuses are told, and whose commands end.
fn notices(by: u32, unit: u32, effects: Effects) -> Vec<Notice> {
    let names = |nexuses: Vec<ItNexus>| -> Arc<[_]> {
        nexuses.into_iter().map(|nexus| (nexus.initiator, nexus.target)).collect()
    };
    let Effects { told, ended } = effects;
    let told = told.into_iter().filter(|(_, whom)| !whom.is_empty()).map(|(attention, whom)| Notice {
        by,
        units: [unit].into(),
        whom: Whom::These(names(whom)),
        attention: Some(attention),
        abort: Abort::Nothing,
        wait: Wait::Told,
    });
    let mut notices: Vec<Notice> = told.collect();
    if !ended.is_empty() {
        let (whom, wait) = (Whom::These(names(ended)), Wait::Ended { committed: false });
        notices.push(Notice { by, units: [unit].into(), whom, attention: None, abort: Abort::Commands, wait });
    }
    notices
}
