//! Virtual ports on the adapter.

use super::rig::{Rig, names};
use fc::{Fc4, Port, PortState};

#[test]
fn a_virtual_port_serves_beside_the_physical_one() {
    let mut rig = Rig::online();
    let vport = rig.port.add_vport(names(12)).unwrap();
    assert_eq!((vport.parent(), vport.names()), (Some(names(2).port), names(12)));
    rig.serve_on(&*vport, Fc4::Fcp, 1);
    let watched = vport.clone();
    rig.until(5_000, |_| watched.shown().state == PortState::Online);
    assert_ne!(vport.shown().port_id, rig.port.shown().port_id);
    let session = rig.login_with(names(12).port, Fc4::Fcp);
    assert!(rig.reads(session, 8));
    assert_eq!((vport.shown().sessions.len(), rig.port.shown().sessions.len()), (1, 0));
    let physical = rig.login(Fc4::Fcp);
    assert!(rig.reads(physical, 8) && rig.reads(session, 8));
    assert!(vport.add_vport(names(13)).is_err());
    // After a reset both are there again.
    rig.port.reset().unwrap();
    rig.until(10_000, |rig| rig.resets() == 1 && watched.shown().state == PortState::Online);
    let session = rig.login_with(names(12).port, Fc4::Fcp);
    assert!(rig.reads(session, 8));
}

#[test]
fn a_virtual_port_that_is_taken_away_is_logged_out() {
    let mut rig = Rig::online();
    let vport = rig.port.add_vport(names(12)).unwrap();
    rig.serve_on(&*vport, Fc4::Fcp, 1);
    let watched = vport.clone();
    rig.until(5_000, |_| watched.shown().state == PortState::Online);
    rig.login_with(names(12).port, Fc4::Fcp);
    vport.set_up(false);
    rig.until(1_000, |_| watched.shown().state == PortState::Disabled);
    rig.pass(100);
    assert!(rig.switch.id_of(names(12).port).is_none() && rig.disks[4].sessions.is_empty());
    vport.set_up(true);
    rig.until(10_000, |_| watched.shown().state == PortState::Online);
    let remover = std::thread::spawn(move || vport.remove());
    for _ in 0..100 {
        rig.pass(1);
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    assert!(remover.join().unwrap(), "gone within the time that the caller waits");
    assert!(rig.switch.id_of(names(12).port).is_none());
    assert_eq!(rig.shown().state, PortState::Online);
}
