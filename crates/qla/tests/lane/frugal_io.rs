//! No allocation for an I/O.

use crate::chip::Chip;
use crate::rig::*;
use fc::{Arrival, Fc4, Queue, Response};
use frugal::without_allocation;
use qla::lane::{FromLane, ToLane};
use qla::ring::Entry;
use wire::isp::iocb::CtioStatus;

/// Answers everything with success; in memory of its own.
struct Adapter {
    entries: Vec<Entry>,
    done: Vec<Entry>,
}

impl Adapter {
    fn turn(&mut self, chip: &mut Chip) {
        self.entries.clear();
        self.done.clear();
        self.entries.extend(chip.take());
        let wanted = self.entries.iter().filter(|entry| !flags(entry).no_completion());
        self.done.extend(wanted.map(|entry| completion(entry, CtioStatus::SUCCESS)));
        chip.complete(&self.done);
    }
}

fn run(mut rig: Rig, responses: [Response; 3], by_home: bool) {
    let mut adapter = Adapter { entries: Vec::new(), done: Vec::new() };
    let places = rig.queue.places();
    for round in 0..50_u32 {
        let mut arrivals = Vec::with_capacity(4 * places);
        let (write, response) = (round % 2 == 0, responses[round as usize % 3]);
        let mut open = 0;
        without_allocation(|| {
            for n in 0..places as u32 {
                rig.end.push(ToLane::Command(command(1, n)));
            }
            rig.end.flush();
        });
        while open < places || !arrivals.is_empty() || rig.queue.is_pending() {
            without_allocation(|| {
                rig.now += 1_000_000;
                while let Some(arrival) = rig.queue.next(rig.now) {
                    arrivals.push(arrival);
                }
                for arrival in arrivals.drain(..) {
                    match arrival {
                        Arrival::Command { xid, .. } if write => {
                            open += 1;
                            let data = rig.pool.take(4096).unwrap();
                            rig.queue.receive(xid, 0, data);
                        }
                        Arrival::Command { xid, .. } => {
                            open += 1;
                            let data = rig.pool.take(4096).unwrap();
                            rig.queue.transmit(xid, 0, data, Some(response));
                        }
                        Arrival::Received { xid, data, ok } => {
                            assert!(ok);
                            rig.pool.give(data);
                            rig.queue.respond(xid, response);
                        }
                        Arrival::Sent { data, ok, .. } => {
                            assert!(ok);
                            rig.pool.give(data);
                        }
                        other => panic!("{other:?}"),
                    }
                }
                rig.queue.flush();
                if by_home {
                    while let Some(told) = rig.end.next() {
                        let FromLane::Iocb(iocb) = told else { panic!("something else was told") };
                        for entry in iocb.entries().iter().filter(|entry| !flags(entry).no_completion()) {
                            rig.end.push(ToLane::Completion(completion(entry, CtioStatus::SUCCESS)));
                        }
                    }
                    rig.end.flush();
                }
            });
            adapter.turn(&mut rig.chip);
        }
    }
    rig.is_clean();
}

const CONDITION: fn() -> [Response; 3] =
    || [GOOD, Response::Fcp(check_condition(18)), Response::Fcp(check_condition(40))];

fn nvme() -> [Response; 3] {
    let extended = |result| Response::NvmeExtended { result, rsn: 1, transferred: 4096, cqe: [1; 16] };
    [Response::Nvme, extended(0), extended(1)]
}

#[test]
fn no_allocation_of_fcp() {
    run(Rig::new(Fc4::Fcp, 64, 256, 128), CONDITION(), false);
}

/// Rings that are too small for all: what waits allocates nothing either.
#[test]
fn no_allocation_while_orders_wait() {
    run(Rig::new(Fc4::Fcp, 64, 16, 128), CONDITION(), false);
}

#[test]
fn no_allocation_of_nvme() {
    run(Rig::new(Fc4::Nvme, 64, 256, 128), nvme(), false);
}

#[test]
fn no_allocation_by_the_home() {
    let mut rig = Rig::quiet(Fc4::Fcp, 64, 64, 64);
    rig.tell(ToLane::Resume { pair: None });
    rig.tell(ToLane::SessionUp(session(1, Fc4::Fcp)));
    rig.arrival();
    run(rig, CONDITION(), true);
}
