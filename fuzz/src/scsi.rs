//! `scsi`: CDBs and task management straight into two homes of the SCSI core, over a port without bytes, to a disk in RAM and
//! to one that takes a millisecond.
//!
//! Input: a script. Of each step the first byte says what happens, the second to which nexus; then what that takes.

mod control;
mod port;
mod task;

use crate::input::Input;
use control::{Homes, MS};
use exchange::Port;

/// Nexuses of one home.
const NEXUSES: usize = 4;

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let mut homes = Homes::new();
    let mut id = 0;
    while !input.is_empty() {
        id += 1;
        step(&mut homes, &mut input, id);
    }
    for core in &mut homes.cores {
        let port = core.port_mut();
        let queues = port.queues.clone();
        queues.into_iter().for_each(|queue| port.close(queue));
        port.release();
    }
    homes.assert_empty();
}

fn step(homes: &mut Homes, input: &mut Input, id: u32) {
    let (what, place) = (input.u8(), input.u8());
    let home = usize::from(place & 1);
    let queue = u32::from(place >> 1 & 3);
    let port = homes.cores[home].port_mut();
    match what % 16 {
        0 if port.queues.len() < NEXUSES => port.connect(),
        1 => port.close(queue),
        2 => port.hold = true,
        3 => port.release(),
        4 => homes.wait(input.pick(&[1, 2, 10, 100, 1000, 11_000]) * MS),
        5 => homes.meddle(input),
        6 => port.abort(input.u8().into()),
        7 => port.submit(task::management(input, queue, id), Vec::new()),
        _ => {
            let (task, payload) = task::command(input, queue, id);
            port.submit(task, payload);
        }
    }
    if what & 0x80 == 0 {
        homes.run(16);
    }
}
