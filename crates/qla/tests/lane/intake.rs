//! Commands from the ATIO queue to lanes, and what those get that have no place.

use crate::chip::Chip;
use crate::rig::*;
use fc::{Arrival, Fc4, Queue};
use qla::intake::{Counters, Intake, Verdict};
use qla::lane::{LaneConfig, LaneEnd, QlaQueue, ToLane, lane};
use qla::ring::{Entry, Group, QueuePair};
use wire::fc::{FrameHeader, PortId, RCtl, Type};
use wire::fcnvme::CmndIu;
use wire::fcp::{Cmnd, Direction};
use wire::isp::iocb::{Ctio7, NPORT_UNRECOGNISED, atio_group};
use wire::nvme::Sqe;

struct Hall {
    intake: Intake,
    ends: Vec<Option<LaneEnd>>,
    queues: Vec<QlaQueue>,
    chip: Chip,
    base: Box<QueuePair>,
}

fn hall(lanes: usize, places: usize) -> Hall {
    let arena = arena();
    let (mut ends, mut queues) = (vec![None], Vec::new());
    for number in 1..=lanes as u8 {
        let config =
            LaneConfig { number, fc4: Fc4::Fcp, places, arena: arena.clone(), to_queue: nobody(), to_home: nobody() };
        let (end, queue) = lane(config).unwrap();
        ends.push(Some(end));
        queues.push(queue);
    }
    let (chip, base) = Chip::new(&arena, 64, 64);
    let mut intake = Intake::default();
    intake.set_ports(&[(LOCAL, VP)]);
    Hall { intake, ends, queues, chip, base }
}

impl Hall {
    fn command(&mut self, group: &Group) -> Verdict {
        let verdict = self.intake.command(group, &mut self.ends, &mut self.base.request);
        self.ends.iter_mut().flatten().for_each(LaneEnd::flush);
        self.base.request.flush();
        verdict
    }

    fn refusals(&mut self) -> Vec<Entry> {
        self.base.request.flush();
        self.chip.take()
    }

    /// What the lanes hear of it.
    fn arrivals(&mut self) -> Vec<(usize, Arrival)> {
        let arrivals = |(place, queue): (usize, &mut QlaQueue)| {
            std::iter::from_fn(|| queue.next(MS)).map(|arrival| (place + 1, arrival)).collect::<Vec<_>>()
        };
        self.queues.iter_mut().enumerate().flat_map(arrivals).collect()
    }
}

fn group(exchange: u32, iu: &[u8]) -> Group {
    let frame = FrameHeader::new(RCtl::UNSOLICITED_COMMAND, Type::FCP, PEER, LOCAL).with_exchange(0x1234, 0xffff);
    let mut slots = [[0; 64]; 4];
    let count = atio_group(exchange, &frame, ATTRIBUTE, iu, &mut slots).unwrap();
    Group::of(&slots[..count])
}

fn read(length: u32) -> [u8; 32] {
    Cmnd::simple([0; 8], &[0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0], Direction::Read, length)
}

fn nvme(connection: u64) -> [u8; 96] {
    CmndIu::new(connection, 1, Direction::Read, 512, Sqe::new(2, 1), false).to_bytes()
}

#[test]
fn a_command_of_fcp_goes_to_the_lane_of_its_session_whole() {
    let mut hall = hall(3, 8);
    hall.intake.insert(&session(7, Fc4::Fcp), &[2]);
    let mut long = [0; 96];
    long[..32].copy_from_slice(&read(512));
    long[11] |= 16;
    for iu in [&read(512)[..], &long[..48]] {
        assert_eq!(hall.command(&group(0x99, iu)), Verdict::Taken);
        match &hall.arrivals()[..] {
            [(2, Arrival::Command { session, iu: came, .. })] => {
                assert_eq!((session.0, came.bytes()), (7, iu));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(hall.refusals().is_empty());
}

#[test]
fn what_the_atio_says_is_in_the_ctio() {
    let mut hall = hall(1, 8);
    hall.intake.insert(&session(7, Fc4::Fcp), &[1]);
    hall.command(&group(0x0102_0304, &read(512)));
    let (chip, pair) = Chip::new(&arena(), 64, 64);
    let mut chip = chip;
    let Some((_, Arrival::Command { xid, .. })) = hall.arrivals().pop() else { panic!("a command") };
    hall.ends[1].as_mut().unwrap().push(ToLane::Resume { pair: Some(pair) });
    assert!(hall.arrivals().is_empty());
    hall.queues[0].respond(xid, GOOD);
    hall.queues[0].flush();
    let entries = chip.take();
    let ctio = Ctio7::of(&entries[0]);
    assert_eq!((ctio.exchange_address.get(), ctio.ox_id.get()), (0x0102_0304, 0x1234));
    assert_eq!((ctio.nport_handle.get(), ctio.vp_index, ctio.flags().attribute()), (NPORT, VP, ATTRIBUTE));
    assert_eq!(ctio.initiator_id.port_id(), PEER);
}

#[test]
fn commands_of_nvme_go_by_their_connection() {
    let mut hall = hall(3, 64);
    hall.intake.insert(&session(7, Fc4::Nvme), &[3, 1, 2]);
    for connection in 0..12_u64 {
        assert_eq!(hall.command(&group(0x99, &nvme(connection << 8 | connection))), Verdict::Taken);
        match &hall.arrivals()[..] {
            [(lane, Arrival::Command { iu, .. })] => {
                assert_eq!((*lane, iu.bytes().len()), ([3, 1, 2][connection as usize % 3], 96));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_same_peer_has_a_session_for_each_protocol() {
    let mut hall = hall(2, 64);
    hall.intake.insert(&session(7, Fc4::Fcp), &[1]);
    hall.intake.insert(&session(8, Fc4::Nvme), &[2]);
    hall.command(&group(1, &read(512)));
    hall.command(&group(2, &nvme(0)));
    let seen: Vec<_> = hall
        .arrivals()
        .iter()
        .map(|(lane, arrival)| match arrival {
            Arrival::Command { session, .. } => (*lane, session.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, [(1, 7), (2, 8)]);
    hall.intake.remove(fc::SessionId(7));
    let none = Verdict::NoSession { peer: PEER, local: LOCAL };
    assert_eq!(hall.command(&group(1, &read(512))), none);
    assert_eq!(hall.command(&group(1, &nvme(0))), Verdict::Taken);
    hall.intake.clear();
    assert_eq!(hall.command(&group(1, &nvme(0))), none);
    assert!(hall.refusals().is_empty());
}

#[test]
fn without_a_session_the_caller_decides() {
    let mut hall = hall(1, 8);
    let group = group(0x42, &read(512));
    assert_eq!(hall.command(&group), Verdict::NoSession { peer: PEER, local: LOCAL });
    hall.intake.terminate(&group, &mut hall.base.request);
    let entries = hall.refusals();
    let ctio = Ctio7::of(&entries[0]);
    assert_eq!(ctio.flags.get(), 0x4140 | u16::from(ATTRIBUTE) << 9);
    assert_eq!((ctio.nport_handle.get(), ctio.vp_index), (NPORT_UNRECOGNISED, VP));
    assert_eq!((ctio.exchange_address.get(), ctio.ox_id.get()), (0x42, 0x1234));
    assert_eq!(ctio.initiator_id.port_id(), PortId(0x01_0203));
}

#[test]
fn a_full_lane_answers_task_set_full() {
    let mut hall = hall(2, 2);
    hall.intake.insert(&session(7, Fc4::Fcp), &[1]);
    (0..2).for_each(|n| assert_eq!(hall.command(&group(n, &read(512))), Verdict::Taken));
    assert_eq!(hall.command(&group(2, &read(512))), Verdict::Taken);
    let entries = hall.refusals();
    let ctio = Ctio7::of(&entries[0]);
    assert_eq!(ctio.flags.get(), 0x8140 | u16::from(ATTRIBUTE) << 9);
    assert_eq!((ctio.scsi_status.get(), ctio.residual.get()), (0x0828, 512));
    assert_eq!((ctio.nport_handle.get(), ctio.handle.get(), ctio.exchange_address.get()), (NPORT, 0x2fff_ffff, 2));
    assert_eq!(hall.arrivals().len(), 2);
    let expected = Counters { commands: 2, full: 1, ..Counters::default() };
    assert_eq!(hall.intake.counters(), expected);
    // A lane that is gone.
    hall.ends[1] = None;
    assert_eq!(hall.command(&group(3, &read(512))), Verdict::Taken);
    assert_eq!(hall.refusals().len(), 1);
    // NVMe has no such word.
    hall.intake.insert(&session(8, Fc4::Nvme), &[1]);
    assert_eq!(hall.command(&group(3, &nvme(0))), Verdict::Taken);
    assert!(flags(&hall.refusals()[0]).terminate());
}

#[test]
fn the_adapters_last_exchanges_are_not_used() {
    let mut hall = hall(2, 64);
    hall.intake.insert(&session(7, Fc4::Fcp), &[1]);
    hall.intake.insert(&session(8, Fc4::Nvme), &[2]);
    hall.intake.set_exchanges(20);
    for n in 0..20 {
        let iu: &[u8] = if n % 2 == 0 { &read(512) } else { &nvme(0) };
        assert_eq!(hall.command(&group(n, iu)), Verdict::Taken);
    }
    assert_eq!((hall.intake.counters().commands, hall.intake.counters().full), (18, 2));
    assert_eq!(hall.refusals().len(), 2);
}

#[test]
fn without_an_exchange_it_is_busy() {
    let mut hall = hall(1, 8);
    hall.intake.insert(&session(7, Fc4::Fcp), &[1]);
    assert_eq!(hall.command(&group(u32::MAX, &read(512))), Verdict::Taken);
    let entries = hall.refusals();
    let ctio = Ctio7::of(&entries[0]);
    assert_eq!((ctio.scsi_status.get(), ctio.residual.get()), (0x0808, 512));
    assert_eq!((ctio.exchange_address.get(), ctio.nport_handle.get()), (u32::MAX, NPORT));
    assert!(hall.arrivals().is_empty());
    assert_eq!(hall.intake.counters().busy, 1);
}

#[test]
fn groups_that_contradict_themselves_are_ended() {
    let mut hall = hall(1, 8);
    hall.intake.insert(&session(7, Fc4::Fcp), &[1]);
    let sound = group(5, &read(512));
    let mut short = *sound.first();
    short[2] = 0x37;
    let mut long = *sound.first();
    long[2] = 0x39;
    let mut counted = *sound.first();
    counted[1] = 2;
    for entry in [short, long, counted] {
        assert_eq!(hall.command(&Group::of(&[entry])), Verdict::Malformed);
        assert!(flags(&hall.refusals()[0]).terminate());
    }
    let mut other = *sound.first();
    other[0] = 0x0d;
    assert_eq!(hall.command(&Group::of(&[other])), Verdict::Malformed);
    assert_eq!(hall.command(&Group::default()), Verdict::Malformed);
    assert!(hall.refusals().is_empty());
    // Any bytes at all.
    let mut seed = 1_u64;
    for _ in 0..20_000 {
        let mut slots = [*sound.first(), [0; 64]];
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            slots[seed as usize >> 7 & 1][seed as usize >> 9 & 63] = (seed >> 20) as u8;
        }
        hall.command(&Group::of(&slots[..1 + (seed >> 40) as usize % 2]));
        hall.arrivals();
        hall.refusals();
    }
}

#[test]
fn refusals_wait_for_room() {
    let mut hall = hall(1, 8);
    let one = group(1, &read(512));
    for _ in 0..400 {
        hall.intake.terminate(&one, &mut hall.base.request);
    }
    assert!(hall.intake.is_pending());
    assert_eq!(hall.intake.counters().dropped, 400 - 62 - 256);
    let mut sent = 0;
    while hall.intake.is_pending() || sent < 62 + 256 {
        sent += hall.refusals().len();
        hall.intake.send_waiting(&mut hall.base.request);
    }
    assert_eq!(sent, 62 + 256);
}
