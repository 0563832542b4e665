//! Commands in steady state neither allocate nor free, on either side.

use crate::rig::*;
use fc::Fc4;
use fc::fc2::{Direction, Fc2, Upcall};

/// Reads and writes of 6,000 bytes, `count` at a time, until all have ended.
fn round(host: &mut Rig, disk: &mut Rig, count: u64) {
    for number in 0..count {
        let data = host.pool.take(6000).unwrap();
        let data = if number % 2 == 0 { Direction::In(data) } else { Direction::Out(data) };
        let iu = [number as u8; 32];
        host.engine.command(route(), Fc4::Fcp, &iu, data, SECOND, number, host.now).unwrap();
    }
    let mut left = count;
    while left > 0 {
        pass(&mut host.engine, &mut disk.engine, host.now);
        serve(disk);
        pass(&mut disk.engine, &mut host.engine, host.now);
        left -= ended(host);
    }
}

fn pass(from: &mut Fc2, to: &mut Fc2, now: ring::Tick) {
    while let Some(frame) = from.next_frame(now) {
        to.arrive(frame, now);
    }
}

fn serve(disk: &mut Rig) {
    while let Some(upcall) = disk.engine.next() {
        match upcall {
            Upcall::Command { xid, payload, .. } => {
                let read = payload.bytes()[0] % 2 == 0;
                disk.engine.recycle(payload);
                disk.engine.accept(xid, 2112, 0);
                let data = disk.pool.take(6000).unwrap();
                if read {
                    disk.engine.transmit(xid, 0, data, Some(good())).unwrap();
                } else {
                    disk.engine.receive(xid, 0, data).unwrap();
                }
            }
            Upcall::Received { xid, data, ok: true, .. } => {
                disk.pool.give(data);
                disk.engine.respond(xid, good()).unwrap();
            }
            Upcall::Sent { data, ok: true, .. } => disk.pool.give(data),
            other => panic!("{other:?}"),
        }
    }
}

fn ended(host: &mut Rig) -> u64 {
    let mut count = 0;
    while let Some(upcall) = host.engine.next() {
        let Upcall::Ended { data, result: Ok(payload), .. } = upcall else { panic!("{upcall:?}") };
        host.pool.give(data);
        host.engine.recycle(payload);
        count += 1;
    }
    count
}

#[test]
fn commands_neither_allocate_nor_free() {
    let mut host = Rig::new();
    let mut disk = Rig::on(limits(), host.frames.clone());
    round(&mut host, &mut disk, 8);
    frugal::without_allocation(|| {
        for _ in 0..1000 {
            round(&mut host, &mut disk, 8);
            host.now += 10 * MS;
            host.engine.turn(host.now);
            disk.engine.turn(host.now);
        }
    });
    assert!(host.engine.counters().frames_in > 8000);
}
