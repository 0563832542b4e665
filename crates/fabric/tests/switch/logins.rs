//! FLOGI, FDISC, LOGO, and the other services of the F_Port controller.

use crate::rig::Rig;
use fabric::State;
use fc::Link;
use wire::fc::els::{Adisc, Command, Login, Logo};
use wire::fc::{PortId, Wwn};

#[test]
fn a_port_logs_in_and_gets_an_address_that_stays_its_own() {
    let mut rig = Rig::new();
    let mut a = rig.host(0x2100_0000_0000_000a);
    let b = rig.host(0x2100_0000_0000_000b);
    assert_eq!((a.id, b.id), (PortId::new(3, 1, 0), PortId::new(3, 2, 0)));
    let login = Login::fabric(Command::FLOGI, a.name, Wwn(1), 2112, true);
    let reply = rig.els_from(&mut a, PortId::NONE, PortId::FABRIC, &login.to_bytes());
    let accept: &Login = wire::parse(reply.payload()).unwrap();
    assert_eq!(reply.header().d_id(), a.id, "again, on the same port");
    assert!(accept.common.features().f_port() && accept.common.features().npiv_accepted());
    assert_eq!((accept.common.r_a_tov_ms(), accept.common.e_d_tov_ms()), (10_000, 2_000));
    assert_eq!((accept.node_name(), accept.port_name().naa()), (Wwn(0x1000_0271_6663_0001), 2));
    assert!(accept.common.bb_credit() > 0);
    drop(a);
    rig.turn();
    assert_eq!(rig.switch.ports().len(), 1, "who pulls the cable is gone");
    let mut other = rig.plug(0x2100_0000_0000_000c, 8);
    assert_eq!(rig.flogi(&mut other), Ok(PortId::new(3, 3, 0)));
    assert_eq!(rig.host(0x2100_0000_0000_000a).id, PortId::new(3, 1, 0));
}

#[test]
fn a_port_name_in_use_is_refused_and_who_had_it_keeps_it() {
    let mut rig = Rig::new();
    let a = rig.host(0x2100_0000_0000_000a);
    let mut twin = rig.plug(0x2100_0000_0000_000a, 8);
    assert_eq!(rig.flogi(&mut twin), Err([0x09, 0x0d]));
    assert_eq!(rig.switch.f_port_of(a.name), Some(a.f_port));
    let mut c = rig.host(0x2100_0000_0000_000c);
    assert_eq!(rig.fdisc(&mut c, 0x2100_0000_0000_000a), Err([0x09, 0x0d]));
    let counters = rig.switch.ports()[usize::from(twin.f_port)].counters;
    assert_eq!((counters.logins, counters.logins_refused), (0, 1));
}

#[test]
fn virtual_ports_come_beside_their_port_and_go_with_it() {
    let mut rig = Rig::new();
    let mut a = rig.plug(0x2100_0000_0000_000a, 64);
    assert_eq!(rig.fdisc(&mut a, 0x2100_0000_0000_00a1), Err([0x09, 0x1e]), "FLOGI first");
    a.id = rig.flogi(&mut a).unwrap();
    let first = rig.fdisc(&mut a, 0x2100_0000_0000_00a1).unwrap();
    let second = rig.fdisc(&mut a, 0x2100_0000_0000_00a2).unwrap();
    assert_eq!((first, second), (PortId::new(3, 1, 1), PortId::new(3, 1, 2)));
    assert_eq!(rig.fdisc(&mut a, 0x2100_0000_0000_00a1), Ok(first), "again");
    assert_eq!(rig.fdisc(&mut a, 0x2100_0000_0000_000a), Err([0x09, 0x0d]), "the physical port's own name");
    let logo = Logo::new(first, Wwn(0x2100_0000_0000_00a1)).to_bytes();
    assert_eq!(rig.els_from(&mut a, first, PortId::FABRIC, &logo).payload(), [2, 0, 0, 0]);
    assert_eq!(rig.switch.id_of(Wwn(0x2100_0000_0000_00a1)), None);
    assert_eq!(rig.switch.id_of(Wwn(0x2100_0000_0000_00a2)), Some(second));
    rig.flogi(&mut a).unwrap();
    assert_eq!(rig.switch.id_of(Wwn(0x2100_0000_0000_00a2)), None, "FLOGI ends what was before");
}

#[test]
fn a_login_that_makes_no_sense_is_rejected_with_what_is_wrong() {
    let mut rig = Rig::new();
    let mut a = rig.plug(0x2100_0000_0000_000a, 8);
    let good = Login::fabric(Command::FLOGI, a.name, Wwn(1), 2112, true);
    assert_eq!(rig.fabric_login(&mut a, Login { port_name: [0; 8], ..good }), Err([0x03, 0x0d]));
    let mut no_class = good;
    no_class.classes[2] = no_class.classes[0];
    assert_eq!(rig.fabric_login(&mut a, no_class), Err([0x03, 0x01]));
    let tiny = Login::fabric(Command::FLOGI, a.name, Wwn(1), 100, true);
    assert_eq!(rig.fabric_login(&mut a, tiny), Err([0x03, 0x07]));
    let from_switch = Login::fabric_accept(a.name, Wwn(1), 2112, true);
    assert_eq!(rig.fabric_login(&mut a, Login { command: Command::FLOGI, ..from_switch }), Err([0x03, 0x0f]));
    assert_eq!(rig.els_from(&mut a, PortId::NONE, PortId::FABRIC, &[4, 0, 0, 0]).payload()[5..7], [0x07, 0x2d]);
    assert_eq!(rig.els_from(&mut a, PortId::NONE, PortId::FABRIC, &[0x0e, 0, 0, 0]).payload()[5..7], [0x09, 0x1e]);
    assert_eq!(rig.switch.ports()[0].n_ports.len(), 0);
    assert!(rig.fabric_login(&mut a, good).is_ok());
}

#[test]
fn well_known_addresses_answer_all_that_is_asked() {
    let mut rig = Rig::new();
    let mut a = rig.host(0x2100_0000_0000_000a);
    let plogi = Login::n_port(Command::PLOGI, a.name, Wwn(1), 2112).to_bytes();
    for service in [PortId::DIRECTORY, PortId::FABRIC_CONTROLLER, PortId::MANAGEMENT] {
        let reply = rig.els(&mut a, service, &plogi);
        let accept: &Login = wire::parse(reply.payload()).unwrap();
        assert_eq!((accept.command, accept.receive_size()), (Command::LS_ACC, Some(2112)), "{service}");
        let adisc = Adisc::new(Command::ADISC, a.name, Wwn(1), a.id).to_bytes();
        let reply = rig.els(&mut a, service, &adisc);
        assert_eq!(wire::parse::<Adisc>(reply.payload()).unwrap().port_id(), service);
        let logo = Logo::new(a.id, a.name).to_bytes();
        assert_eq!(rig.els(&mut a, service, &logo).payload(), [2, 0, 0, 0]);
        assert_eq!(rig.els(&mut a, service, &[0x20, 16, 0, 4]).payload()[0], 1, "PRLI");
        assert_eq!(rig.els(&mut a, service, &[0x78, 0, 0, 0]).payload(), [1, 0, 0, 0, 0, 0x0b, 0x2c, 0], "RNID");
    }
    assert_eq!(rig.els(&mut a, PortId::FABRIC, &plogi).payload()[5..7], [0x0b, 0x2c]);
    assert_eq!(rig.els(&mut a, PortId(0xff_fffb), &plogi).payload()[5..7], [0x0b, 0x2c], "time server");
    assert_eq!(rig.els(&mut a, PortId(0xff_fc03), &plogi).payload()[5..7], [0x0b, 0x2c], "domain controller");
    assert_eq!(rig.els(&mut a, PortId::FABRIC, &[0x10, 0, 0, 0, 7, 8]).payload()[..6], [2, 0, 0, 0, 7, 8], "ECHO");
    assert_eq!(rig.els(&mut a, PortId::FABRIC, &[0x0e, 0, 0, 0]).payload()[..8], [2, 0, 0, 0, 0, 0, 0x27, 0x10], "RTV");
    let id = a.id;
    a.send_els(id, PortId::DIRECTORY, &[0x11, 0, 0, 0]);
    rig.turn();
    assert!(a.receive().is_none(), "TEST has no answer");
}

#[test]
fn a_port_taken_down_is_logged_out_and_comes_back() {
    let mut rig = Rig::new();
    let mut a = rig.host(0x2100_0000_0000_000a);
    rig.switch.set_up(a.f_port, false, rig.now).unwrap();
    assert_eq!(rig.switch.id_of(a.name), None);
    rig.turn();
    assert_eq!(a.link.event(0), Some(fc::LinkEvent::Down));
    assert_eq!(rig.switch.ports()[0].state, State::Disabled);
    rig.switch.set_up(a.f_port, true, rig.now).unwrap();
    rig.turn();
    assert!(matches!(a.link.event(0), Some(fc::LinkEvent::Up(_))));
    assert_eq!(rig.switch.ports()[0].state, State::Online);
    assert_eq!(rig.flogi(&mut a), Ok(a.id));
    assert!(rig.switch.set_up(9, true, rig.now).is_err());
}

#[test]
fn more_names_than_addresses_are_no_end() {
    let mut rig = Rig::new();
    let mut a = rig.plug(1, 8);
    for name in 1..20_000 {
        a.name = Wwn(name);
        assert!(rig.flogi(&mut a).is_ok(), "{name}");
    }
}
