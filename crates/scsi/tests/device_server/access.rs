//! Asymmetric logical unit access: two port groups, and what each state serves.

use crate::rig::*;
use std::sync::Arc;

/// A port of the second group.
const OTHER: PortName = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0002 };

/// Two homes; nexus 0 of home 0 comes by group 1, nexus 0 of home 1 by group 2.
fn rig() -> (Rig, Arc<AccessStates>) {
    let mut rig = Rig::homes(2);
    let mut map = map(&[(0, 1)]);
    map.ports.push(PortView { name: OTHER, relative: 2, group: 2 });
    let view = node(vec![map]);
    let access = view.access.clone();
    rig.put_node(view);
    rig.open(0, 0);
    let origin = Origin { initiator: initiator(9), target: OTHER, relative_port: 7, port_group: 7, address: None };
    rig.cores[1].port_mut().open(0, origin);
    rig.run();
    rig.calm(0, 0, 0);
    rig.calm(1, 0, 0);
    (rig, access)
}

/// A command of the nexus that comes by group 2.
fn ask_other(rig: &mut Rig, cdb: &[u8], data_in: u32) -> Ended {
    let task = rig.task(0, 0, cdb);
    let id = rig.start(1, Task { data_in, ..task }, Vec::new());
    rig.ended(1, id).expect("it ended")
}

fn report(rig: &mut Rig) -> Vec<u8> {
    rig.ask_lun(&[0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0], 256).good().data
}

fn set(rig: &mut Rig, list: &[u8]) -> (u8, u8, u16) {
    rig.tell_lun(&[0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, list.len() as u8, 0, 0], list).told()
}

#[test]
fn groups_are_told_with_their_states() {
    let (mut rig, access) = rig();
    let of = |second: [u8; 2]| {
        let [state, status] = second;
        [
            [0, 0, 0, 24, 0, 0x8f, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1],
            [state, 0x8f, 0, 2, 0, status, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0],
        ]
        .concat()[..28]
            .to_vec()
    };
    assert_eq!(report(&mut rig), of([0, 0]));
    access.prefer(2, true);
    assert_eq!(set(&mut rig, &[0, 0, 0, 0, 1, 0, 0, 2]), (0, 0, 0));
    assert_eq!(report(&mut rig), of([0x81, 1]));
    // The other nexus is told, and its page 83h says by which group it came, as the configuration has it.
    assert_eq!((rig.calm(0, 0, 0), rig.calm(1, 0, 0)), (vec![], vec![0x2a06]));
    let page = ask_other(&mut rig, &[0x12, 1, 0x83, 1, 0, 0], 256).good().data;
    let tail = [&[0x01, 0x94, 0, 4, 0, 0, 0, 2][..], &[0x01, 0x95, 0, 4, 0, 0, 0, 2]].concat();
    assert!(page.windows(tail.len()).any(|window| window == tail), "{page:x?}");
    // The same again changes nothing.
    assert_eq!(set(&mut rig, &[0, 0, 0, 0, 1, 0, 0, 2]), (0, 0, 0));
    assert_eq!(rig.calm(1, 0, 0), [0; 0]);
    assert_eq!(rig.ask_lun(&[0x12, 0, 0, 0, 96, 0], 96).good().data[5] & 0x30, 0x30, "TPGS");
}

#[test]
fn lists_that_cannot_be_change_nothing() {
    let (mut rig, _access) = rig();
    assert_eq!(set(&mut rig, &[]), (0, 0, 0));
    for (list, told) in [
        (&[0, 0, 0][..], (2, 5, 0x1a00)),
        (&[0, 0, 0, 0, 2, 0, 0], (2, 5, 0x1a00)),
        (&[0, 0, 0, 0, 2, 0, 0, 3], (2, 5, 0x2600)),
        (&[0, 0, 0, 0, 2, 0, 0, 2, 4, 0, 0, 1], (2, 5, 0x2600)),
        (&[0, 0, 0, 0, 2, 0, 0, 2, 0xf, 0, 0, 1], (2, 5, 0x2600)),
        (&[0, 0, 0, 0, 2, 0, 0, 2, 1, 0, 0, 2], (2, 5, 0x2600)),
    ] {
        assert_eq!(set(&mut rig, list), told, "{list:x?}");
    }
    assert_eq!(report(&mut rig)[16], 0);
    assert_eq!(rig.calm(1, 0, 0), [0; 0]);
}

#[test]
fn a_state_decides_which_commands_a_group_serves() {
    let (mut rig, access) = rig();
    let data: [(&[u8], u32); 3] = [(&[0], 0), (&read10(0, 1), 512), (&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0)];
    let standby: [(&[u8], u32); 4] = [
        (&[0x1a, 0, 0x3f, 0, 255, 0], 255),
        (&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8),
        (&[0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0, 0], 256),
        (&[0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256),
    ];
    let always: [(&[u8], u32); 4] = [
        (&[0x12, 0, 0, 0, 96, 0], 96),
        (&[3, 0, 0, 0, 252, 0], 252),
        (&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0], 64),
        (&[0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256),
    ];
    let good = (0, 0, 0);
    let states = [
        (AccessState::ActiveNonOptimized, good, good),
        (AccessState::Standby, (2, 2, 0x040b), good),
        (AccessState::Unavailable, (2, 2, 0x040c), (2, 2, 0x040c)),
        (AccessState::Transitioning, (2, 2, 0x040a), (2, 2, 0x040a)),
        (AccessState::ActiveOptimized, good, good),
    ];
    for (state, of_data, of_standby) in states {
        access.set(2, state, Cause::Implicit);
        let mut told = |commands: &[(&[u8], u32)]| -> Vec<_> {
            commands.iter().map(|(cdb, data_in)| ask_other(&mut rig, cdb, *data_in).told()).collect()
        };
        assert_eq!(told(&data), [of_data; 3], "{state:?}");
        assert_eq!(told(&standby), [of_standby; 4], "{state:?}");
        assert_eq!(told(&always), [good; 4], "{state:?}");
        // The other group goes on.
        rig.ask_lun(&read10(0, 1), 512).good();
    }
}

#[test]
fn the_control_plane_changes_a_state_and_all_are_told() {
    let (mut rig, access) = rig();
    assert!(access.set(1, AccessState::Standby, Cause::Implicit));
    rig.ask(|ack| Message::AccessChanged { node: 1, ack });
    assert_eq!(rig.acknowledged(), 2);
    assert_eq!(rig.calm(1, 0, 0), [0x2a06]);
    let mut tur = || rig.ask_lun(&[0], 0).told();
    assert_eq!([tur(), tur()], [(2, 6, 0x2a06), (2, 2, 0x040b)]);
    // SET TARGET PORT GROUPS comes through, and brings it back.
    assert_eq!(set(&mut rig, &[0, 0, 0, 0, 0, 0, 0, 1]), (0, 0, 0));
    rig.ask_lun(&[0], 0).good();
    assert_eq!(rig.calm(1, 0, 0), [0x2a06]);
    // A new view of the node keeps the states.
    access.set(2, AccessState::Standby, Cause::Implicit);
    let mut map = map(&[(0, 1)]);
    map.ports.push(PortView { name: OTHER, relative: 2, group: 2 });
    rig.put_node(NodeView { access: access.clone(), alias: "other".into(), ..node(vec![map]) });
    assert_eq!(ask_other(&mut rig, &[0], 0).told(), (2, 2, 0x040b));
}
