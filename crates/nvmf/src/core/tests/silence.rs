//! Keep-alive, with a clock by hand.

use super::rig::*;
use crate::view::TransportView;
use wire::fabrics::{Connect, DISCOVERY_NQN};
use wire::identify::{self};
use wire::nvm::Rw;
use wire::nvme::{
    AdminOpcode, Cns, Csi, FeatureId, Features, GetLogPage, Identify, LogId, NvmOpcode, Select, SglDescriptor, Sqe,
};

fn keep_alive() -> Sqe {
    Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0)
}

fn with_kato(rig: &mut Rig, subnqn: &str, kato_ms: u32) -> ((usize, u32), u16) {
    let at = rig.open(0);
    let cqe = rig.connect(at, Connect::new(0, 32, kato_ms), &data(subnqn, 0xffff));
    rig.set_cc(at, ENABLE);
    (at, cqe.dw0.get() as u16)
}

fn kato(rig: &mut Rig, at: (usize, u32)) -> u32 {
    rig.call(at, Features::get(FeatureId::KEEP_ALIVE_TIMER, 0, Select::CURRENT), &[]).0.dw0.get()
}

#[test]
fn a_silent_host_loses_its_controller_with_io_in_flight() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = with_kato(&mut rig, NQN, 5000);
    let io = rig.io(1, cntlid, 1);
    rig.disk.hold(true);
    rig.wait(4000);
    assert!(rig.status(admin, keep_alive()).is_success());
    rig.wait(4999);
    // I/O is no sign of life: traffic-based keep-alive is not offered.
    let read = Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0) };
    rig.submit(io, read, &[]);
    assert!(rig.is_open(admin) && rig.is_open(io));
    assert_eq!(rig.cores[0].deadline(), Some(9_000_000_000));
    rig.wait(1);
    assert!(!rig.is_open(admin) && !rig.is_open(io));
    rig.disk.hold(false);
    rig.assert_idle();
}

#[test]
fn the_timer_follows_set_features() {
    let mut rig = Rig::new(1);
    let (at, _) = with_kato(&mut rig, NQN, 0);
    rig.wait(3_600_000);
    assert!(rig.is_open(at));
    // Rounded up to KAS.
    assert!(rig.status(at, Features::set(FeatureId::KEEP_ALIVE_TIMER, 0, 1001)).is_success());
    assert_eq!(kato(&mut rig, at), 1100);
    rig.wait(1099);
    assert!(rig.status(at, Features::set(FeatureId::KEEP_ALIVE_TIMER, 0, 0)).is_success());
    rig.wait(100_000);
    assert_eq!(kato(&mut rig, at), 0);
    assert!(rig.status(at, Features::set(FeatureId::KEEP_ALIVE_TIMER, 0, u32::MAX)).is_success());
    rig.wait(100_000);
    assert!(rig.is_open(at));
}

#[test]
fn too_short_timeouts_are_raised() {
    let mut rig = Rig::with(1, TransportView { min_kato_ms: 10_000, kas: 100, ..transport() });
    let (at, _) = with_kato(&mut rig, NQN, 1);
    assert_eq!(kato(&mut rig, at), 10_000);
    let id = rig.get(at, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096).1;
    assert_eq!(wire::read::<identify::Controller>(&id).unwrap().kas.get(), 100);
    rig.wait(9_999);
    assert!(rig.is_open(at));
    rig.wait(1);
    assert!(!rig.is_open(at));
}

#[test]
fn discovery_controllers_do_not_stay_for_ever() {
    let mut rig = Rig::new(1);
    let (passing, _) = with_kato(&mut rig, DISCOVERY_NQN, 0);
    let (persistent, _) = with_kato(&mut rig, DISCOVERY_NQN, 200_000);
    assert_eq!((kato(&mut rig, passing), kato(&mut rig, persistent)), (0, 200_000));
    rig.wait(119_000);
    let page = GetLogPage::sqe(LogId::DISCOVERY, 0, 1024, 0, false);
    // Any command is a sign of life for the one without a timer.
    assert!(rig.get(passing, page, 1024).0.status().is_success());
    rig.wait(80_999);
    assert!(rig.is_open(passing) && rig.is_open(persistent));
    rig.wait(1);
    assert!(rig.is_open(passing) && !rig.is_open(persistent));
    rig.wait(40_000);
    assert!(!rig.is_open(passing));
    rig.assert_idle();
}
