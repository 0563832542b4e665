//! Commands on a scripted port: responses of both lengths, units that are none, aborts in every state.

mod rig;

use fc::Response;
use rig::fabric::{End, Seen};
use rig::host::{Link, World, cqe, is_short, rw};
use wire::fcnvme::{CmndIu, Disconnect};
use wire::fcp::Direction;
use wire::nvme::{Abort, AdminOpcode, FeatureId, NvmOpcode, SglDescriptor, Sqe, Status};
use wire::{U16, U32};

/// A host with one I/O queue.
fn with_io(cores: usize, entries: u16, ratio: u16) -> (World, Link, Link) {
    let mut world = World::new(cores);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let io = world.io(admin, cntlid, 1, entries, ratio);
    (world, admin, io)
}

/// Number, bytes moved and status of a longer response.
fn long(seen: &Seen) -> (u32, u32, Status) {
    match seen.end {
        End::Response(Response::NvmeExtended { result: 0, rsn, transferred, .. }) => {
            (rsn, transferred, cqe(seen).status())
        }
        _ => panic!("{:?} is no longer response", seen.end),
    }
}

fn read(blocks: u32) -> Sqe {
    rw(NvmOpcode::READ, 0, blocks)
}

fn write(blocks: u32) -> Sqe {
    rw(NvmOpcode::WRITE, 0, blocks)
}

#[test]
fn the_shorter_response_goes_out_as_often_as_it_may() {
    let (mut world, _, io) = with_io(1, 64, 8);
    // Connect was the first response of the connection, and a longer one.
    let mut numbers = Vec::new();
    for response in 2..=40 {
        let seen = match response % 3 {
            0 => world.put(io, write(2), &[3; 1024]),
            1 => world.get(io, read(3), 1536),
            _ => world.plain(io, Sqe::new(NvmOpcode::FLUSH.0, 1)),
        };
        let due = response % 8 == 0;
        assert_eq!(is_short(&seen), !due, "{response}: {:?}", seen.end);
        if due {
            let (rsn, transferred, status) = long(&seen);
            assert_eq!((transferred, status), ([1024, 1536, 0][response % 3], Status::SUCCESS));
            assert_eq!(cqe(&seen).sqhd.get(), response as u16);
            numbers.push(rsn);
        }
    }
    assert_eq!(numbers, [2, 3, 4, 5, 6], "one more each time, over all longer ones");
}

#[test]
fn whatever_the_host_cannot_know_takes_the_longer_response() {
    let (mut world, admin, io) = with_io(1, 64, 50);
    assert!(is_short(&world.get(io, read(1), 512)));
    // A status; nothing was moved.
    let seen = world.get(io, rw(NvmOpcode::READ, 1 << 40, 1), 512);
    assert_eq!(long(&seen), (2, 0, Status::LBA_OUT_OF_RANGE.with_dnr()));
    assert!(seen.data.is_empty());
    let seen = world.put(io, rw(NvmOpcode::WRITE, 1 << 40, 1), &[1; 512]);
    assert_eq!(long(&seen), (3, 0, Status::LBA_OUT_OF_RANGE.with_dnr()));
    // Data that does not fit the command, and data that does not come.
    assert_eq!(long(&world.get(io, read(1), 1024)).2, Status::DATA_SGL_LENGTH_INVALID.with_dnr());
    let at = world.start(io, write(2), Direction::Write, 1024, &[1; 512]);
    assert_eq!(long(&world.seen(at)), (5, 0, Status::TRANSIENT_TRANSPORT_ERROR));
    assert!(is_short(&world.get(io, read(1), 512)));
    // A status after the data came: all of it was moved.
    let compare = rw(NvmOpcode::COMPARE, 4, 1);
    assert_eq!(long(&world.put(io, compare, &[9; 512])), (6, 512, Status::COMPARE_FAILURE.with_dnr()));
    // A value.
    let mut feature = Sqe::new(AdminOpcode::GET_FEATURES.0, 0);
    feature.cdw10 = U32::new(FeatureId::NUMBER_OF_QUEUES.0.into());
    let seen = world.plain(admin, feature);
    assert_eq!((cqe(&seen).dw0.get(), cqe(&seen).status()), (0x7f_007f, Status::SUCCESS));
    // Fused commands.
    let mut fused = read(1);
    fused.flags |= 1;
    assert_eq!(long(&world.get(io, fused, 512)).2, Status::INVALID_FIELD.with_dnr());
}

#[test]
fn a_queue_that_is_almost_full_takes_the_longer_response() {
    let (mut world, _, io) = with_io(1, 11, 9);
    // Responses 2 to 8 are not due by number.
    world.rig.disk.hold(true);
    let open: Vec<_> = (0..10).map(|n| world.start(io, rw(NvmOpcode::READ, n, 1), Direction::Read, 512, &[])).collect();
    world.rig.disk.hold(false);
    world.rig.run();
    let long = open.iter().filter(|at| !is_short(&world.seen(**at))).count();
    // Nine others in use of ten that can be; and the ninth response.
    assert_eq!(long, 2);
}

#[test]
fn units_that_are_no_commands_end_the_association() {
    type Change = fn(&mut CmndIu);
    let changes: [(&str, Change); 5] = [
        ("length field", |unit| unit.iu_words = 25.into()),
        ("direction", |unit| unit.flags = 1),
        ("both directions", |unit| unit.flags = 3),
        ("no direction", |unit| unit.flags = 0),
        ("FC_ID", |unit| unit.fc_id = 8),
    ];
    for (name, change) in changes {
        let (mut world, admin, io) = with_io(2, 64, 8);
        let mut unit = world.unit(io, read(1), Direction::Read, 512, false);
        change(&mut unit);
        let at = world.send(io, &unit, &[]);
        assert_eq!(world.seen(at).end, End::Terminated, "{name}");
        let ours = Disconnect::new(admin.association).to_bytes().to_vec();
        assert_eq!(world.fabric.requests(), [(io.session, ours)], "{name}");
        world.rig.assert_empty();
    }
    // One that is cut off says nothing of its connection.
    let (mut world, _, io) = with_io(2, 64, 8);
    let unit = world.unit(io, read(1), Direction::Read, 512, false).to_bytes();
    for len in [0, 1, 8, 95] {
        let at = world.fabric.command(io.session, io.connection, &unit[..len], &[]);
        world.rig.run();
        assert_eq!(world.seen(at).end, End::Terminated);
    }
    assert!(is_short(&world.get(io, read(1), 512)));
}

#[test]
fn a_length_that_the_descriptor_does_not_say_is_an_invalid_field() {
    let (mut world, _, io) = with_io(1, 64, 8);
    for (said, sent) in [(1024, 512), (512, 1024)] {
        let mut unit = world.unit(io, read(1), Direction::Read, sent, false);
        unit.sqe.dptr = SglDescriptor::transport(said);
        let at = world.send(io, &unit, &[]);
        let End::Response(Response::NvmeExtended { result, transferred, cqe, .. }) = world.seen(at).end else {
            panic!("no longer response")
        };
        assert_eq!((result, transferred, cqe[12..14].to_vec()), (1, 0, unit.sqe.cid.get().to_le_bytes().to_vec()));
    }
    world.rig.assert_idle();
}

#[test]
fn connections_that_are_not_there() {
    let (mut world, admin, io) = with_io(2, 64, 8);
    let stranger = world.login();
    for link in [
        Link { connection: io.connection ^ 1 << 63, ..io },
        Link { connection: io.connection ^ 1 << 8, ..io },
        Link { connection: 0, ..io },
        Link { connection: u64::MAX, ..io },
        // Another host that learned of it.
        Link { session: stranger, ..io },
        Link { session: stranger, ..admin },
    ] {
        let at = world.start(link, read(1), Direction::Read, 512, &[]);
        assert_eq!(world.seen(at).end, End::Terminated, "{link:?}");
    }
    assert!(is_short(&world.get(io, read(1), 512)));
    assert!(world.fabric.requests().is_empty());
}

#[test]
fn more_commands_than_the_queue_has_entries() {
    let (mut world, admin, io) = with_io(2, 4, 2);
    world.rig.disk.hold(true);
    let open: Vec<_> = (0..5).map(|_| world.start(io, read(1), Direction::Read, 512, &[])).collect();
    let ours = Disconnect::new(admin.association).to_bytes().to_vec();
    assert_eq!(world.fabric.requests(), [(io.session, ours)]);
    assert!(open.into_iter().all(|at| world.seen(at).end == End::Terminated));
    world.rig.assert_empty();
}

#[test]
fn a_response_that_is_not_out_yet_does_not_keep_the_next_command_away() {
    let (mut world, _, io) = with_io(1, 4, 2);
    world.fabric.hold(true);
    // The host has the responses, we have not heard of it.
    let first: Vec<_> = (0..4).map(|_| world.start(io, read(1), Direction::Read, 512, &[])).collect();
    let second: Vec<_> = (0..4).map(|_| world.start(io, read(1), Direction::Read, 512, &[])).collect();
    for at in first.into_iter().chain(second) {
        assert_eq!(world.seen(at).data.len(), 512);
    }
    world.fabric.hold(false);
    world.rig.assert_idle();
}

/// Aborts one command in a state that `begin` brought it to; how it ended.
fn aborted(begin: impl Fn(&mut World), sqe: Sqe, direction: Direction, len: u32) -> (World, End) {
    let (mut world, _, io) = with_io(2, 64, 8);
    begin(&mut world);
    let payload = if direction == Direction::Write { vec![5; len as usize] } else { Vec::new() };
    let at = world.start(io, sqe, direction, len, &payload);
    world.fabric.abort(at);
    world.rig.run();
    let before = world.fabric.seen(at);
    world.rig.disk.hold(false);
    world.fabric.starve(false);
    world.fabric.hold(false);
    world.rig.run();
    let end = before.unwrap_or_else(|| world.seen(at)).end;
    world.rig.assert_idle();
    // The connection goes on: it is the host that ends the association.
    assert_eq!(world.get(io, read(1), 512).data.len(), 512);
    (world, end)
}

#[test]
fn an_abort_in_every_state_ends_the_exchange_once() {
    let hold_disk = |world: &mut World| world.rig.disk.hold(true);
    let starve = |world: &mut World| world.fabric.starve(true);
    let hold_out = |world: &mut World| world.fabric.hold(true);
    assert_eq!(aborted(hold_disk, read(1), Direction::Read, 512).1, End::Terminated);
    assert_eq!(aborted(hold_disk, write(1), Direction::Write, 512).1, End::Terminated);
    assert_eq!(aborted(starve, write(1), Direction::Write, 512).1, End::Terminated);
    // The response was on its way already: too late.
    assert!(matches!(aborted(hold_out, read(1), Direction::Read, 512).1, End::Response(_)));
    // Both at once: the abort finds the command in the same turn.
    let (mut world, _, io) = with_io(1, 64, 8);
    let unit = world.unit(io, read(1), Direction::Read, 512, false).to_bytes();
    let at = world.fabric.command(io.session, io.connection, &unit, &[]);
    world.fabric.abort(at);
    world.rig.run();
    assert_eq!(world.seen(at).end, End::Terminated);
    world.rig.assert_idle();
}

#[test]
fn an_abort_while_the_command_waits_for_a_buffer() {
    let (mut world, _, io) = with_io(1, 64, 8);
    world.fabric.starve(true);
    let mut open = Vec::new();
    while world.rig.cores[0].census().2 == 0 {
        open.push(world.start(io, write(128), Direction::Write, 65_536, &[1; 65_536]));
    }
    let waiting = open.pop().unwrap();
    world.fabric.abort(waiting);
    world.rig.run();
    assert_eq!(world.seen(waiting).end, End::Terminated);
    world.fabric.starve(false);
    world.rig.run();
    open.into_iter().for_each(|at| assert!(matches!(world.seen(at).end, End::Response(_))));
    world.rig.assert_idle();
}

#[test]
fn an_nvme_abort_answers_the_victim() {
    let (mut world, admin, io) = with_io(2, 64, 8);
    world.rig.disk.hold(true);
    let unit = world.unit(io, read(1), Direction::Read, 512, false);
    let victim = world.send(io, &unit, &[]);
    let seen = world.plain(admin, Abort { sqid: 1, cid: unit.sqe.cid.get() }.sqe());
    assert!(is_short(&seen), "aborted is zero: {:?}", seen.end);
    assert_eq!(long(&world.seen(victim)).2, Status::ABORTED_BY_REQUEST);
    // It is over: not aborted, which the host cannot know.
    let seen = world.plain(admin, Abort { sqid: 1, cid: unit.sqe.cid.get() }.sqe());
    assert_eq!(cqe(&seen).dw0.get(), Abort::NOT_ABORTED);
    // A parked one, on the admin queue.
    let mut event = world.unit(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), Direction::None, 0, true);
    event.sqe.cid = U16::new(7000);
    let parked = world.send(admin, &event, &[]);
    let seen = world.plain(admin, Abort { sqid: 0, cid: 7000 }.sqe());
    assert!(is_short(&seen), "{:?}", seen.end);
    assert_eq!(cqe(&world.seen(parked)).status(), Status::ABORTED_BY_REQUEST);
    world.rig.assert_idle();
}

#[test]
fn data_that_is_read_when_nobody_wants_it_any_more_comes_home() {
    let (mut world, _, io) = with_io(1, 64, 8);
    world.rig.disk.hold(true);
    let at = world.start(io, read(8), Direction::Read, 4096, &[]);
    // The connection (1, the admin queue being 0) closes before the group hears of it, and the device is done first.
    exchange::Port::close(world.rig.cores[0].port_mut(), 1);
    world.rig.disk.hold(false);
    world.rig.run();
    assert_eq!(world.seen(at), Seen { data: Vec::new(), end: End::Terminated });
    world.rig.assert_idle();
}
