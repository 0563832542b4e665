//! A unit whose medium can be taken out, and who prevents that.

use crate::rig::*;

const EJECT: [u8; 6] = [0x1b, 0, 0, 0, 2, 0];
const LOAD: [u8; 6] = [0x1b, 0, 0, 0, 3, 0];
const PREVENT: [u8; 6] = [0x1e, 0, 0, 0, 1, 0];
const ALLOW: [u8; 6] = [0x1e, 0, 0, 0, 0, 0];
const NO_MEDIUM: (u8, u8, u16) = (2, 2, 0x3a00);
const PREVENTED: (u8, u8, u16) = (2, 5, 0x5302);

/// Two homes with nexus 0 each.
fn rig() -> Rig {
    let mut rig = Rig::homes(2);
    let mut view = rig.unit_view(1);
    view.identity.removable = true;
    rig.put_unit(view);
    for core in [0, 1] {
        rig.open(core, 0);
        rig.calm(core, 0, 0);
    }
    rig
}

fn told(rig: &mut Rig, core: usize, cdb: &[u8]) -> (u8, u8, u16) {
    let task = rig.task(0, 0, cdb);
    let id = rig.start(core, task, Vec::new());
    rig.ended(core, id).expect("it ended").told()
}

#[test]
fn what_is_ejected_can_be_loaded_and_the_others_are_told() {
    let mut rig = rig();
    assert_eq!(rig.ask_lun(&[0x12, 0, 0, 0, 96, 0], 96).good().data[1], 0x80, "RMB");
    assert_eq!(told(&mut rig, 0, &LOAD), (0, 0, 0), "it is in");
    assert_eq!(told(&mut rig, 0, &EJECT), (0, 0, 0));
    for core in [0, 1] {
        assert_eq!(told(&mut rig, core, &[0]), NO_MEDIUM);
        assert_eq!(told(&mut rig, core, &read10(0, 1)), NO_MEDIUM);
        assert_eq!(told(&mut rig, core, &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0]), NO_MEDIUM);
    }
    assert_eq!(rig.tell_lun(&write10(0, 1), &[0; 512]).told(), NO_MEDIUM);
    let sense = rig.ask_lun(&[3, 0, 0, 0, 252, 0], 252).good().data;
    assert_eq!((sense[2], sense[12]), (2, 0x3a));
    rig.ask_lun(&[0x1a, 8, 0x3f, 0, 255, 0], 255).good();
    assert_eq!(told(&mut rig, 0, &LOAD), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &[0]), (0, 0, 0), "who loads it knows");
    assert_eq!(rig.calm(1, 0, 0), [0x2800]);
    rig.ask_lun(&read10(0, 1), 512).good();
}

#[test]
fn stopping_and_power_conditions_take_nothing_out() {
    let mut rig = rig();
    for flags in [0x00, 0x01, 0x04, 0x05, 0x12, 0x22, 0xf2] {
        assert_eq!(told(&mut rig, 0, &[0x1b, 1, 0, 0, flags, 0]), (0, 0, 0), "{flags:x}");
        assert_eq!(told(&mut rig, 0, &[0]), (0, 0, 0), "{flags:x}");
    }
}

#[test]
fn each_nexus_prevents_for_itself() {
    let mut rig = rig();
    for core in [0, 1] {
        assert_eq!(told(&mut rig, core, &PREVENT), (0, 0, 0));
    }
    assert_eq!(told(&mut rig, 0, &ALLOW), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &EJECT), PREVENTED);
    assert_eq!(told(&mut rig, 0, &[0]), (0, 0, 0));
    assert_eq!(told(&mut rig, 1, &ALLOW), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &EJECT), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &PREVENT), (0, 0, 0), "while it is out");
    assert_eq!(told(&mut rig, 0, &LOAD), PREVENTED);
    assert_eq!(told(&mut rig, 0, &ALLOW), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &LOAD), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &[0x1e, 0, 0, 0, 2, 0]), (2, 5, 0x2400), "obsolete");
}

#[test]
fn resets_and_the_loss_of_the_nexus_let_it_go() {
    let mut rig = rig();
    let prevented = |rig: &mut Rig| {
        assert_eq!(told(rig, 0, &PREVENT), (0, 0, 0));
        assert_eq!(told(rig, 1, &EJECT), PREVENTED);
    };
    let free = |rig: &mut Rig| {
        for cdb in [EJECT, LOAD] {
            rig.calm(1, 0, 0);
            assert_eq!(told(rig, 1, &cdb), (0, 0, 0));
            let _ = rig.task(0, 0, &[0]);
            if cdb == EJECT {
                assert_eq!(told(rig, 1, &[0]), NO_MEDIUM);
                assert_eq!(told(rig, 1, &LOAD), (0, 0, 0));
            }
        }
    };
    for function in [Management::LunReset, Management::TargetReset, Management::ItNexusReset] {
        prevented(&mut rig);
        let id = rig.manage(0, 0, 0, function);
        assert_eq!(rig.response(0, id), Some(ServiceResponse::Complete));
        free(&mut rig);
        rig.calm(0, 0, 0);
    }
    prevented(&mut rig);
    rig.cores[0].port_mut().lose(0);
    rig.run();
    free(&mut rig);
}

#[test]
fn a_unit_that_is_not_removable_has_nothing_to_eject() {
    let mut rig = Rig::new();
    assert_eq!(told(&mut rig, 0, &EJECT), (2, 5, 0x2400));
    assert_eq!(told(&mut rig, 0, &LOAD), (2, 5, 0x2400));
    assert_eq!(told(&mut rig, 0, &PREVENT), (0, 0, 0));
    assert_eq!(told(&mut rig, 0, &[0]), (0, 0, 0));
}
