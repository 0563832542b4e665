//! The port alone: what arrivals become, and what replies become.

use crate::script::{Script, TARGET, Told, read, test_unit_ready, write, xid};
use dma::{Arena, Backing, Class, Data, Options, Pool};
use exchange::{Event, Port};
use fc::{Residual, SessionId};
use fcp::{FcpPort, NewLane};
use ring::Tag;
use scsi::{Management, PortName, PortView, Reply, ServiceResponse};
use wire::fcp::{Cmnd, TaskManagement};
use wire::scsi::Status;

const PORT: PortName = PortName::Fc { wwnn: TARGET.node.0, wwpn: TARGET.port.0 };

fn lane(number: u32, script: &Script, places: usize) -> NewLane {
    let port = PortView { name: PORT, relative: 7, group: 1 };
    NewLane { number, queue: script.queue(places), port }
}

fn port(most: usize) -> (FcpPort, Script) {
    let (mut port, script) = (FcpPort::new(most), Script::default());
    port.adopt(lane(1, &script, 8));
    script.up(3);
    let Some(Event::Opened { queue: 0, origin }) = port.next(0) else { panic!("a session is a queue") };
    assert_eq!((origin.relative_port, origin.port_group, origin.target), (7, 1, PORT));
    assert_eq!(origin.initiator, PortName::Fc { wwnn: 0x1000_0000_0000_0003, wwpn: 0x1100_0000_0000_0003 });
    (port, script)
}

fn command(port: &mut FcpPort, script: &Script, index: u32, payload: &[u8]) -> Tag {
    script.command(xid(index, 0), 3, payload);
    match port.next(0) {
        Some(Event::Command { tag, queue: 0, command }) if command.id == tag.index() as u32 => tag,
        other => panic!("{other:?}"),
    }
}

fn pool() -> Pool {
    let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    Pool::new(&arena, &[Class { size: 4096, count: 8 }]).unwrap()
}

fn idle(port: &mut FcpPort) {
    assert!(port.next(0).is_none());
    port.flush();
}

#[test]
fn a_read_is_sent_with_its_response() {
    let ((mut port, script), mut pool) = (port(8), pool());
    let tag = command(&mut port, &script, 5, &read(4));
    let mut reply = Reply::new(Status::GOOD);
    (reply.transferred, reply.residual) = (1024, scsi::Residual::Under(1024));
    port.send(tag, pool.take(2048).unwrap(), reply);
    let Some(Told::Transmit(_, 1024, response)) = script.told() else { panic!("only what was transferred goes out") };
    assert_eq!((response.status, response.residual, response.code), (0, Residual::Under(1024), None));
    script.sent(xid(5, 0));
    let Some(Event::Sent { tag: ended, data }) = port.next(0) else { panic!("over") };
    assert_eq!((ended, port.census()), (tag, (1, 0)));
    pool.give(data);
    idle(&mut port);
}

#[test]
fn a_write_is_fetched_then_answered() {
    let ((mut port, script), mut pool) = (port(8), pool());
    let tag = command(&mut port, &script, 0, &write(2));
    port.fetch(tag, pool.take(1024).unwrap());
    assert_eq!(script.told(), Some(Told::Receive(xid(0, 0), 1024)));
    script.received(xid(0, 0), true);
    let Some(Event::Fetched { data, ok: true, .. }) = port.next(0) else { panic!("data came") };
    assert_eq!(data.bytes(), [0x5a; 1024]);
    pool.give(data);
    port.reply(tag, Reply::new(Status::GOOD));
    assert!(
        matches!(script.told(), Some(Told::Respond(_, response)) if response.status == 0 && response.sense_len == 0)
    );
    script.sent(xid(0, 0));
    assert!(matches!(port.next(0), Some(Event::Sent { .. })));
}

#[test]
fn sense_and_function_codes_are_in_the_response() {
    let (mut port, script) = port(8);
    let tag = command(&mut port, &script, 0, &test_unit_ready());
    let mut reply = Reply::new(Status::CHECK_CONDITION);
    reply.sense_len = 18;
    reply.sense[0] = 0x70;
    port.reply(tag, reply);
    let Some(Told::Respond(_, response)) = script.told() else { panic!("answered") };
    assert_eq!((response.status, response.sense_len, response.sense[0], response.code), (2, 18, 0x70, None));
    let codes = [
        (ServiceResponse::Complete, 0),
        (ServiceResponse::Succeeded, 8),
        (ServiceResponse::Rejected, 4),
        (ServiceResponse::IncorrectLun, 9),
        (ServiceResponse::Failed, 5),
    ];
    for (index, (answer, code)) in (1..).zip(codes) {
        let reset = Cmnd::task_management([0; 8], TaskManagement::NONE.with_lun_reset(true));
        script.command(xid(index, 0), 3, &reset);
        let Some(Event::Command { tag, command, .. }) = port.next(0) else { panic!("a function is a task") };
        assert_eq!(command.management, Some(Management::LunReset));
        port.reply(tag, Reply::function(answer));
        let Some(Told::Respond(_, response)) = script.told() else { panic!("answered") };
        assert_eq!((response.status, response.code), (0, Some(code)));
    }
}

#[test]
fn what_is_no_command_is_refused_on_the_spot() {
    let (mut port, script) = port(2);
    let mut both = read(1);
    both[11] = 3;
    for (index, bad) in [&read(1)[..31], &both, &[]].into_iter().enumerate() {
        script.command(xid(index as u32, 0), 3, bad);
        idle(&mut port);
        assert!(matches!(script.told(), Some(Told::Respond(_, response)) if response.code == Some(2)), "{bad:?}");
        // It may still be aborted, and it ends like any other.
        script.abort(xid(index as u32, 0));
        script.sent(xid(index as u32, 0));
        idle(&mut port);
    }
    let open = [command(&mut port, &script, 3, &read(1)), command(&mut port, &script, 4, &read(1))];
    assert_ne!(open[0], open[1]);
    script.command(xid(5, 0), 3, &read(1));
    idle(&mut port);
    let full = Status::TASK_SET_FULL.0;
    assert!(matches!(script.told(), Some(Told::Respond(_, response)) if response.status == full));
    script.sent(xid(5, 0));
    script.command(xid(6, 0), 9, &read(1));
    idle(&mut port);
    assert_eq!(script.told(), Some(Told::Terminate(xid(6, 0))), "nobody is logged in as that");
    script.sent(xid(6, 0));
    idle(&mut port);
    // A name that comes back in its next turn is another exchange.
    port.reply(open[0], Reply::new(Status::GOOD));
    script.sent(xid(3, 0));
    assert!(matches!(port.next(0), Some(Event::Sent { .. })));
    script.command(xid(3, 1), 3, &read(1));
    script.abort(xid(3, 0));
    assert!(matches!(port.next(0), Some(Event::Command { .. })));
    idle(&mut port);
}

#[test]
fn nothing_is_sent_of_an_aborted_exchange() {
    let ((mut port, script), mut pool) = (port(8), pool());
    let ends: [fn(&mut FcpPort, Tag, Data) -> Data; 2] = [
        |port, tag, data| {
            port.send(tag, data, Reply { transferred: 512, ..Reply::new(Status::GOOD) });
            Data::empty()
        },
        |port, tag, data| {
            port.reply(tag, Reply::new(Status::GOOD));
            data
        },
    ];
    for (index, end) in (0..).zip(ends) {
        let tag = command(&mut port, &script, index, &read(1));
        script.abort(xid(index, 0));
        assert!(matches!(port.next(0), Some(Event::Abort { tag: aborted }) if aborted == tag));
        let kept = end(&mut port, tag, pool.take(512).unwrap());
        assert_eq!(script.told(), Some(Told::Terminate(xid(index, 0))));
        script.sent(xid(index, 0));
        let Some(Event::Sent { data, .. }) = port.next(0) else { panic!("over") };
        assert_eq!(data.len() + kept.len(), 512, "the memory comes home");
        pool.give(data);
        pool.give(kept);
    }
    // One that nobody is to hear of.
    let tag = command(&mut port, &script, 2, &read(1));
    port.reply(tag, Reply::silent());
    assert_eq!(script.told(), Some(Told::Terminate(xid(2, 0))));
    let tag = command(&mut port, &script, 3, &write(1));
    port.fetch(tag, pool.take(512).unwrap());
    port.cancel(tag);
    assert_eq!((script.told(), script.told()), (Some(Told::Receive(xid(3, 0), 512)), Some(Told::Cancel(xid(3, 0)))));
    script.received(xid(3, 0), false);
    let Some(Event::Fetched { data, ok: false, .. }) = port.next(0) else { panic!("ended") };
    pool.give(data);
}

#[test]
fn a_session_is_closed_after_its_last_exchange() {
    let (mut port, script) = port(8);
    let tag = command(&mut port, &script, 0, &read(1));
    let other = command(&mut port, &script, 1, &read(1));
    port.close(0);
    port.close(0);
    assert_eq!(
        (script.told(), script.told()),
        (Some(Told::Logout(SessionId(3))), None),
        "closing twice is closing once"
    );
    for index in [0, 1] {
        script.abort(xid(index, 0));
        assert!(matches!(port.next(0), Some(Event::Abort { .. })));
    }
    script.down(3);
    idle(&mut port);
    for (index, tag) in [(0, tag), (1, other)] {
        port.reply(tag, Reply::new(Status::GOOD));
        script.sent(xid(index, 0));
        assert!(matches!(port.next(0), Some(Event::Sent { .. })));
    }
    assert!(matches!(port.next(0), Some(Event::Closed { queue: 0 })));
    idle(&mut port);
    // One without exchanges is closed at once, and its number is given again.
    script.up(4);
    assert!(matches!(port.next(0), Some(Event::Opened { queue: 0, .. })));
    script.down(4);
    assert!(matches!(port.next(0), Some(Event::Closed { queue: 0 })));
    script.command(xid(2, 0), 4, &read(1));
    idle(&mut port);
    let mut told = std::iter::from_fn(|| script.told());
    assert!(told.any(|told| told == Told::Terminate(xid(2, 0))), "it came too late");
}

#[test]
fn a_quiet_session_is_busy() {
    let (mut port, script) = port(8);
    port.quiesce(0);
    script.command(xid(0, 0), 3, &read(1));
    idle(&mut port);
    assert!(matches!(script.told(), Some(Told::Respond(_, response)) if response.status == Status::BUSY.0));
}

#[test]
fn lanes_come_and_go_and_take_turns() {
    let (mut port, first) = port(512);
    let second = Script::default();
    port.adopt(lane(2, &second, 400));
    assert_eq!(port.places(), 408);
    second.up(1);
    assert!(matches!(port.next(0), Some(Event::Opened { queue: 1, .. })));
    port.flush();
    for index in 0..300 {
        second.command(xid(index, 0), 1, &read(1));
    }
    let mut tags = Vec::new();
    while let Some(event) = port.next(0) {
        let Event::Command { tag, queue: 1, .. } = event else { panic!("{event:?}") };
        tags.push(tag);
    }
    assert!(tags.len() < 300 && port.is_pending(), "the other lane has its turn too");
    first.command(xid(0, 0), 3, &read(1));
    port.flush();
    assert!(matches!(port.next(0), Some(Event::Command { queue: 0, .. })));
    while let Some(Event::Command { tag, .. }) = port.next(0) {
        tags.push(tag);
    }
    port.flush();
    port.release(2);
    assert_eq!(second.told(), Some(Told::Logout(SessionId(1))));
    second.down(1);
    for tag in tags {
        port.reply(tag, Reply::new(Status::GOOD));
    }
    assert!(!port.drop_released(2), "commands are open");
    while let Some(told) = second.told() {
        let Told::Respond(xid, _) = told else { panic!("{told:?}") };
        second.sent(xid);
    }
    let mut closed = false;
    for _ in 0..8 {
        while let Some(event) = port.next(0) {
            closed |= matches!(event, Event::Closed { queue: 1 });
            if let Event::Command { tag, .. } = event {
                port.reply(tag, Reply::new(Status::GOOD));
                if let Some(Told::Respond(xid, _)) = second.told() {
                    second.sent(xid);
                }
            }
        }
        port.flush();
    }
    assert!(closed && port.drop_released(2), "{:?}", port.census());
    assert!(port.drop_released(2), "what is gone is gone");
    assert_eq!(port.census().0, 1);
}

#[test]
fn a_turn_flushes_what_was_used() {
    let (mut port, script) = port(8);
    port.flush();
    let before = script.0.lock().unwrap().flushes;
    port.flush();
    assert_eq!(script.0.lock().unwrap().flushes, before);
    let tag = command(&mut port, &script, 0, &read(1));
    port.reply(tag, Reply::new(Status::GOOD));
    assert!(port.is_pending());
    port.flush();
    assert_eq!(script.0.lock().unwrap().flushes, before + 1);
}
