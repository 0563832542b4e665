//! Random commands, half sensible, at a target that must neither panic nor lose anything.

use super::rig::*;
use wire::fabrics::{Connect, DISCOVERY_NQN, FcType, PropertySet};
use wire::nvm::{Dsm, DsmRange, Rw};
use wire::nvme::{AdminOpcode, Cns, FeatureId, LogId, NvmOpcode, Property, SglDescriptor, Sqe};
use wire::{FromZeros, IntoBytes, U16, U32};

/// A small generator (xorshift64*): the seed is all that a run depends on.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A number near the edges of something.
    fn edge(&mut self) -> u32 {
        let near = self.pick(&[0, 1, 2, 8, 255, 511, 512, 1023, 1024, 4096, 0xffff, 0x1_0000, 0x7fff_ffff, u32::MAX]);
        if self.one_in(4) { self.next() as u32 } else { near.wrapping_add(self.below(3) as u32).wrapping_sub(1) }
    }
}

fn pointer(dice: &mut Dice, len: u32) -> SglDescriptor {
    let len = if dice.one_in(6) { dice.edge() } else { len };
    match dice.below(8) {
        0 => SglDescriptor { id: dice.next() as u8, ..SglDescriptor::transport(len) },
        1 | 2 => SglDescriptor::in_capsule(if dice.one_in(5) { dice.next() } else { 0 }, len),
        _ => SglDescriptor::transport(len),
    }
}

fn io_command(dice: &mut Dice) -> (Sqe, u32) {
    let ops = [
        NvmOpcode::READ,
        NvmOpcode::WRITE,
        NvmOpcode::FLUSH,
        NvmOpcode::WRITE_ZEROES,
        NvmOpcode::COMPARE,
        NvmOpcode::DATASET_MANAGEMENT,
    ];
    let opcode = dice.pick(&ops);
    let nlb = dice.pick(&[1, 2, 8, 16, 256, 257, 65_536]);
    let slba = if dice.one_in(4) { dice.next() } else { dice.below(BLOCKS) };
    let bits = if dice.one_in(5) { dice.next() as u32 } else { 0 };
    let sqe = match opcode {
        NvmOpcode::DATASET_MANAGEMENT => Dsm::sqe(1, dice.below(256) as u32 + 1, Dsm::AD),
        opcode => Rw::sqe(opcode, 1, slba, nlb, bits),
    };
    (sqe, if opcode == NvmOpcode::DATASET_MANAGEMENT { 4096 } else { nlb * 512 })
}

fn admin_command(dice: &mut Dice) -> (Sqe, u32) {
    let ops = [
        AdminOpcode::IDENTIFY,
        AdminOpcode::GET_LOG_PAGE,
        AdminOpcode::GET_FEATURES,
        AdminOpcode::SET_FEATURES,
        AdminOpcode::ASYNC_EVENT_REQUEST,
        AdminOpcode::ABORT,
        AdminOpcode::KEEP_ALIVE,
    ];
    let mut sqe = Sqe::new(dice.pick(&ops).0, dice.below(4) as u32);
    let low = match AdminOpcode(sqe.opcode) {
        AdminOpcode::IDENTIFY => u32::from(dice.pick(&[Cns::NAMESPACE, Cns::CONTROLLER, Cns(dice.0 as u8)]).0),
        AdminOpcode::GET_LOG_PAGE => {
            let lid = dice.pick(&[
                LogId::ERROR,
                LogId::SMART,
                LogId::DISCOVERY,
                LogId::CHANGED_NAMESPACES,
                LogId(dice.0 as u8),
            ]);
            u32::from(lid.0) | dice.edge() << 16
        }
        AdminOpcode::ABORT => dice.below(4) as u32 | (dice.below(200) as u32) << 16,
        _ => u32::from(dice.pick(&[FeatureId::NUMBER_OF_QUEUES, FeatureId::HOST_ID, FeatureId(dice.0 as u8)]).0),
    };
    sqe.cdw10 = U32::new(low);
    (sqe.cdw11, sqe.cdw12) = (U32::new(dice.edge()), U32::new(if dice.one_in(3) { dice.edge() } else { 0 }));
    (sqe, dice.pick(&[64, 512, 4096, 8192]))
}

fn fabrics_command(dice: &mut Dice, cntlid: u16) -> (Sqe, Vec<u8>) {
    let kinds = [FcType::CONNECT, FcType::PROPERTY_GET, FcType::PROPERTY_SET, FcType::DISCONNECT, FcType(dice.0 as u8)];
    let kind = dice.pick(&kinds);
    if kind == FcType::CONNECT {
        let mut sqe = Connect::new(dice.below(6) as u16, dice.pick(&[0, 1, 2, 32, 128, 129]), dice.edge());
        sqe.recfmt = U16::new(if dice.one_in(20) { 1 } else { 0 });
        let wanted = dice.pick(&[0xffff, cntlid, cntlid, dice.0 as u16]);
        let mut bytes = data(dice.pick(&[NQN, NQN, DISCOVERY_NQN]), wanted).as_bytes().to_vec();
        if dice.one_in(4) {
            let place = dice.below(1024) as usize;
            bytes[place] = dice.next() as u8;
        }
        return (sqe.into_sqe(), bytes);
    }
    let mut sqe = Sqe::new(0x7f, kind.0.into());
    sqe.cdw10 = U32::new(dice.below(3) as u32);
    sqe.cdw11 = U32::new(dice.pick(&[0x00, 0x08, 0x14, 0x14, 0x1c, 0x68, dice.0 as u32]));
    // Mostly what keeps the controller going.
    let cc = if dice.one_in(8) { dice.pick(&[0, 0x0046_4001, dice.0 as u32]) } else { 0x0046_0001 };
    sqe.cdw12 = U32::new(cc);
    (sqe, Vec::new())
}

/// A command for some queue, with what comes with it.
fn command(dice: &mut Dice, cntlid: u16, admin: bool) -> (Sqe, Vec<u8>) {
    if dice.one_in(20) {
        let (mut sqe, bytes) = fabrics_command(dice, cntlid);
        if dice.one_in(10) {
            sqe.dptr = pointer(dice, 1024);
        }
        return (sqe, bytes);
    }
    let (mut sqe, len) = if admin { admin_command(dice) } else { io_command(dice) };
    sqe.dptr = pointer(dice, len);
    let mut payload = vec![dice.next() as u8; len.min(131_072) as usize];
    if sqe.opcode == NvmOpcode::DATASET_MANAGEMENT.0 && !admin {
        payload = (0..256).flat_map(|n| DsmRange::new(n * 5, dice.below(9) as u32).as_bytes().to_vec()).collect();
    }
    (sqe, payload)
}

/// Flips bits, now and then all of them.
fn harm(dice: &mut Dice, sqe: &mut Sqe) {
    let bytes = sqe.as_mut_bytes();
    for _ in 0..dice.pick(&[0, 0, 0, 1, 1, 3]) {
        let place = dice.below(64) as usize;
        bytes[place] ^= 1 << dice.below(8);
    }
    if dice.one_in(50) {
        bytes.iter_mut().for_each(|byte| *byte = dice.next() as u8);
    }
}

fn some_queue(rig: &mut Rig, dice: &mut Dice, queues: &mut Vec<((usize, u32), bool)>, cntlid: &mut u16) {
    let home = dice.below(2) as usize;
    match dice.below(12) {
        0 => queues.push((rig.open(home), dice.one_in(2))),
        1..=4 => {
            // It may have to wait: for a buffer, or for what the fabric holds back.
            let at = rig.open(home);
            let cid = rig.submit(at, Connect::new(0, 32, 0).into_sqe(), data(NQN, 0xffff).as_bytes());
            if let Some((cqe, _)) = rig.reply(at, cid) {
                *cntlid = cqe.dw0.get() as u16;
                rig.submit(at, PropertySet::sqe(Property::CC, ENABLE), &[]);
            }
            queues.push((at, true));
        }
        _ => {
            let at = rig.open(home);
            let sqe = Connect::new(dice.below(4) as u16 + 1, 64, 0).into_sqe();
            let cid = rig.submit(at, sqe, data(NQN, *cntlid).as_bytes());
            match rig.reply(at, cid) {
                Some((cqe, _)) if !cqe.status().is_success() => rig.port(home).lose(at.1),
                _ => queues.push((at, false)),
            }
        }
    }
}

fn happenings(rig: &mut Rig, dice: &mut Dice) {
    match dice.below(6) {
        0 => rig.disk.hold(dice.one_in(2)),
        1 => {
            let home = dice.below(2) as usize;
            rig.port(home).release_fetches();
            rig.port(home).hold_fetch = dice.one_in(3);
        }
        2 => {
            let with = dice.one_in(3);
            let view = subsystem(if with { &[] } else { std::slice::from_ref(&rig.disk) }).into();
            let (ack, _) = std::sync::mpsc::sync_channel(2);
            for home in &rig.mail {
                home.send(crate::Message::Subsystem { view: std::sync::Arc::clone(&view), ack: ack.clone() }).unwrap();
            }
        }
        3 => rig.wait(dice.below(2000)),
        _ => {}
    }
}

fn run(seed: u64, commands: u32) -> u64 {
    let (mut rig, mut dice) = (Rig::new(2), Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
    let (mut queues, mut cntlid, mut cid) = (Vec::new(), 1, 0u16);
    let mut submitted = 0;
    for _ in 0..commands {
        if dice.one_in(100) {
            happenings(&mut rig, &mut dice);
        }
        queues.retain(|(at, _)| rig.is_open(*at));
        if queues.len() < 3 || dice.one_in(40) && queues.len() < 16 {
            some_queue(&mut rig, &mut dice, &mut queues, &mut cntlid);
            continue;
        }
        let (at, admin) = dice.pick(&queues);
        let (mut sqe, payload) = command(&mut dice, cntlid, admin);
        harm(&mut dice, &mut sqe);
        cid = cid.wrapping_add(1) % 200;
        sqe.cid = U16::new(cid);
        let inline = match sqe.dptr.parse() {
            wire::nvme::Sgl::InCapsule { .. } if !dice.one_in(10) => (payload.len() as u32).min(8192),
            _ if dice.one_in(30) => (payload.len() as u32).min(512),
            _ => 0,
        };
        rig.port(at.0).submit_raw(at.1, sqe, &payload, inline);
        submitted += 1;
        if dice.one_in(5) {
            rig.step();
        }
        if dice.one_in(300) {
            rig.port(at.0).lose(at.1);
        }
    }
    finish(&mut rig, queues);
    submitted
}

/// Lets go of everything: nothing may be left.
fn finish(rig: &mut Rig, queues: Vec<((usize, u32), bool)>) {
    rig.disk.hold(false);
    for home in 0..2 {
        rig.port(home).release_fetches();
    }
    for (at, _) in queues {
        rig.port(at.0).lose(at.1);
    }
    rig.assert_idle();
    let drained = rig.post(|ack| crate::Message::Drain { ack });
    assert_eq!(drained.try_iter().count(), 2);
    rig.update(subsystem(&[])).unwrap();
    assert_eq!(rig.disk.channels(), 0);
    rig.assert_idle();
}

#[test]
fn nothing_a_host_sends_does_harm() {
    let submitted: u64 = (0..60).map(|seed| run(seed, 2_500)).sum();
    assert!(submitted > 100_000, "{submitted}");
}

#[test]
fn commands_of_chance_alone() {
    let mut rig = Rig::new(1);
    let (mut dice, mut cid) = (Dice(7), 0u16);
    let mut queues = Vec::new();
    for _ in 0..20_000 {
        queues.retain(|at| rig.is_open(*at));
        if queues.len() < 4 {
            let (at, cntlid) = rig.admin(0);
            queues.push(at);
            queues.push(rig.io(0, cntlid, 1));
        }
        let mut sqe = Sqe::new_zeroed();
        sqe.as_mut_bytes().iter_mut().for_each(|byte| *byte = dice.next() as u8);
        cid = cid.wrapping_add(1);
        sqe.cid = U16::new(cid);
        let at = dice.pick(&queues);
        rig.port(0).submit_raw(at.1, sqe, &[0; 64], 0);
        rig.step();
    }
    queues.into_iter().for_each(|at| rig.port(0).lose(at.1));
    rig.assert_idle();
}
