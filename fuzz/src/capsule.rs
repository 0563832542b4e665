//! `capsule`: commands straight into two homes of the NVMe core, over a port without bytes.
//!
//! Input: a script. Of each step the first byte says what happens, the second to which queue; then what that takes.

use crate::host;
use crate::input::Input;
use crate::soft_port::SoftPort;
use crate::target::{MS, Target};
use exchange::Port;

/// Queues of one home.
const QUEUES: usize = 6;

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let mut target = Target::new(vec![SoftPort::default(), SoftPort::default()]);
    let mut cid = 0;
    while !input.is_empty() {
        cid += 1;
        step(&mut target, &mut input, cid);
    }
    for core in &mut target.cores {
        let port = core.port_mut();
        let queues = port.queues.clone();
        queues.into_iter().for_each(|queue| port.close(queue));
        port.release();
    }
    target.assert_empty();
    assert!(target.cores.iter().all(|core| core.port().queues.is_empty()), "all queues end");
}

fn step(target: &mut Target<SoftPort>, input: &mut Input, cid: u16) {
    let (what, place) = (input.u8(), input.u8());
    let home = usize::from(place & 1);
    let queue = u32::from(place >> 1 & 7);
    let port = target.cores[home].port_mut();
    match what % 16 {
        0 if port.queues.len() < QUEUES => port.connect(),
        1 => port.close(queue),
        2 => port.hold = true,
        3 => port.release(),
        4 => target.wait(input.pick(&[1, 2, 10, 100, 1000, 11_000, 121_000]) * MS),
        5 => target.meddle(input),
        _ => port.submit(queue, host::command(input, cid)),
    }
    if what & 0x80 == 0 {
        target.run(16);
    }
}
