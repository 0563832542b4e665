//! The control side with a transport whose cores are threads that only remember what they are told.

mod fake;

use bdev::Error as BdevError;
use fake::{PORT, Rig, device, node, transport};
use scsi::control::{Error, Mapping, NewPortal, NewPortalGroup, Transport as _, parse_rule};
use scsi::{Origin, PortName, Rule, Who};
use std::sync::atomic::Ordering::SeqCst;

fn all() -> [Rule; 1] {
    [Rule { allow: true, who: Who::All }]
}

fn fc(wwpn: u64) -> PortName {
    PortName::Fc { wwnn: 0, wwpn }
}

fn origin(wwpn: u64) -> Origin {
    Origin { initiator: fc(wwpn), target: PORT, relative_port: 1, port_group: 1, address: None }
}

fn portal(wwpn: u64, relative: Option<u16>) -> NewPortal {
    NewPortal { label: String::new(), port: fc(wwpn), relative }
}

fn group<const N: usize>(tag: u32, portals: [NewPortal; N]) -> NewPortalGroup {
    NewPortalGroup { tag, portals: portals.into(), ..NewPortalGroup::default() }
}

#[test]
fn cores_hear_of_a_unit_before_its_node_and_lose_them_the_other_way_round() {
    let rig = Rig::new();
    rig.manager.create_node(&node("n", &[(0, "A"), (5, "B")])).unwrap();
    assert_eq!(rig.heard(), ["unit 1 A", "unit 2 B", "node n [(0, 1), (5, 2)]"]);
    assert_eq!(rig.manager.add_lun("n", None, "C").unwrap(), 1, "the lowest that is free");
    assert_eq!(rig.heard(), ["unit 3 C", "node n [(0, 1), (1, 3), (5, 2)]"]);
    rig.manager.create_node(&node("m", &[(0, "A")])).unwrap();
    assert_eq!(rig.heard(), ["node m [(0, 1)]"], "one unit for a volume, whoever maps it");
    rig.manager.remove_lun("n", 0).unwrap();
    assert_eq!(rig.heard(), ["node n [(1, 3), (5, 2)]"], "another node has it still");
    rig.manager.delete_node("m").unwrap();
    assert_eq!(rig.heard(), ["no node 2", "no unit 1"]);
    assert_eq!((rig.claim("A"), rig.claim("B")), (None, Some("SCSI Target".into())));
    rig.manager.create_node(&node("m", &[(0, "A")])).unwrap();
    assert_eq!(rig.heard(), ["unit 4 A", "node m [(0, 4)]"], "numbers are never used again");
    rig.assert_published();
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let rig = Rig::new();
    rig.manager.create_node(&node("n", &[(0, "A")])).unwrap();
    rig.heard();
    let refused = |result: Result<(), Error>| !matches!(result.unwrap_err(), Error::Silent(_));
    assert!(refused(rig.manager.create_node(&node("n", &[(0, "B")]))));
    assert!(refused(rig.manager.create_node(&node("m", &[(0, "Z")]))));
    assert!(refused(rig.manager.create_node(&node("m", &[(0, "B"), (0, "C")]))));
    assert!(refused(rig.manager.create_node(&node("m", &[(0, "B"), (1, "B")]))));
    assert!(refused(rig.manager.create_node(&node("m", &[(16_384, "B")]))));
    assert!(refused(rig.manager.create_node(&node("", &[]))));
    assert!(refused(rig.manager.create_node(&node(" m", &[]))));
    let mut unmapped = node("m", &[]);
    unmapped.mappings = vec![Mapping { portal_group: 1, initiator_group: 9 }];
    assert!(refused(rig.manager.create_node(&unmapped)));
    assert!(refused(rig.manager.create_node(&scsi::control::NewNode { queue_depth: 0, ..node("m", &[]) })));
    assert!(refused(rig.manager.add_lun("n", Some(0), "B").map(drop)));
    assert!(refused(rig.manager.remove_lun("n", 7)));
    assert!(refused(rig.manager.add_mappings("n", &[Mapping { portal_group: 1, initiator_group: 1 }])));
    assert!(refused(rig.manager.delete_portal_group(1)), "it is in use");
    assert!(refused(rig.manager.delete_initiator_group(1)), "it is in use");
    rig.devices.claim("B", Some("Delay")).unwrap();
    assert!(refused(rig.manager.add_lun("n", None, "B").map(drop)));
    assert_eq!((rig.heard(), rig.claim("C")), (Vec::<String>::new(), None));
    rig.assert_published();
}

#[test]
fn a_core_that_cannot_open_a_volume_undoes_it_everywhere() {
    let rig = Rig::new();
    rig.manager.create_node(&node("n", &[(0, "A")])).unwrap();
    *rig.cores[1].refuses.lock().unwrap() = Some("B".into());
    let error = rig.manager.add_lun("n", None, "B").unwrap_err();
    assert_eq!(error, Error::Failed("Fake home 1: B cannot be opened".into()));
    assert_eq!((rig.claim("B"), rig.manager.units().len()), (None, 1));
    rig.assert_published();
    let error = rig.manager.create_node(&node("m", &[(0, "A"), (1, "B")])).unwrap_err();
    assert!(matches!(error, Error::Failed(_)));
    assert_eq!((rig.manager.nodes().len(), rig.claim("A")), (1, Some("SCSI Target".into())), "node n has it still");
    rig.assert_published();
    *rig.cores[1].refuses.lock().unwrap() = None;
    rig.manager.add_lun("n", None, "B").unwrap();
    rig.assert_published();
}

#[test]
fn a_core_that_hangs_is_told_of_and_catches_up() {
    let rig = Rig::new();
    rig.manager.create_node(&node("n", &[(0, "A")])).unwrap();
    rig.cores[1].hangs.store(true, SeqCst);
    let error = rig.manager.set_queue_depth("n", 7).unwrap_err();
    assert!(matches!(&error, Error::Silent(text) if text.starts_with("Fake home 1 did not answer")), "{error:?}");
    assert_eq!(rig.manager.nodes()[0].unacknowledged, ["Fake home 1"]);
    assert_eq!(rig.manager.nodes()[0].node.queue_depth, 7, "the change is made");
    for _ in 0..2 {
        let error = rig.devices.remove("A").unwrap_err();
        assert!(matches!(&error, BdevError::Busy(who) if who.contains("Fake home 1")), "{error:?}");
        assert!(rig.devices.get("A").is_some(), "a core may have it open still");
    }
    rig.cores[1].hangs.store(false, SeqCst);
    rig.devices.remove("A").unwrap();
    rig.manager.set_queue_depth("n", 8).unwrap();
    assert!(rig.manager.nodes()[0].unacknowledged.is_empty() && rig.manager.units().is_empty());
    rig.assert_published();
}

#[test]
fn a_removed_volume_leaves_all_nodes_and_only_they_change() {
    let rig = Rig::new();
    rig.manager.create_node(&node("n", &[(0, "A"), (1, "B")])).unwrap();
    rig.manager.create_node(&node("m", &[(3, "A")])).unwrap();
    rig.heard();
    rig.devices.remove("A").unwrap();
    assert_eq!(rig.heard(), ["node n [(1, 2)]", "node m []", "no unit 1"]);
    rig.assert_published();
}

#[test]
fn a_resized_volume_gets_new_copies() {
    let rig = Rig::new();
    let grows = device("Grows");
    rig.devices.add(grows.clone()).unwrap();
    rig.manager.create_node(&node("n", &[(0, "Grows")])).unwrap();
    rig.heard();
    grows.0.lock().unwrap().blocks = 4096;
    rig.devices.resized("Grows");
    assert_eq!(rig.heard(), ["unit 1 Grows"]);
    assert_eq!(rig.manager.units()[0].info.blocks, 4096);
    rig.assert_published();
}

#[test]
fn a_serial_number_stays_with_its_volume() {
    let rig = Rig::new();
    let own = scsi::Identity::of(rig.devices.get("A").unwrap().info().uuid);
    rig.manager.set_serial("A", Some("DISK-1")).unwrap();
    rig.manager.create_node(&node("n", &[(0, "A"), (1, "B")])).unwrap();
    let serial = || rig.manager.units()[0].identity.clone();
    assert_eq!((serial().serial.as_str(), serial().naa), ("DISK-1", own.naa));
    assert!(matches!(rig.manager.set_serial("B", Some("DISK-1")), Err(Error::Exists(_))));
    for bad in ["", " x", "x ", "ä", "a\tb", &"x".repeat(65)] {
        assert!(matches!(rig.manager.set_serial("B", Some(bad)), Err(Error::Refused(_))), "{bad:?}");
    }
    rig.heard();
    rig.manager.set_serial("A", Some("DISK-2")).unwrap();
    assert_eq!((rig.heard(), serial().serial), (vec!["unit 1 A".to_owned()], "DISK-2".into()));
    rig.manager.remove_lun("n", 0).unwrap();
    rig.manager.add_lun("n", Some(0), "A").unwrap();
    assert_eq!(rig.manager.units().last().unwrap().identity.serial, "DISK-2");
    rig.manager.set_serial("A", None).unwrap();
    assert_eq!(rig.manager.units().last().unwrap().identity, own);
    rig.manager.set_serial("A", Some("DISK-3")).unwrap();
    let uuid = rig.devices.get("A").unwrap().info().uuid;
    rig.devices.remove("A").unwrap();
    assert!(rig.manager.namings().is_empty(), "none of a volume that is there");
    let again = device("renamed");
    again.0.lock().unwrap().uuid = uuid;
    rig.devices.add(again).unwrap();
    rig.manager.add_lun("n", Some(7), "renamed").unwrap();
    assert_eq!(rig.manager.units().last().unwrap().identity.serial, "DISK-3", "a volume is known by its UUID");
    rig.assert_published();
}

#[test]
fn relative_ports_are_unique_and_stay() {
    let rig = Rig::new();
    let relative = |tag: u32| {
        let groups = rig.manager.portal_groups();
        groups[&tag].portals.iter().map(|portal| portal.relative).collect::<Vec<_>>()
    };
    rig.manager.create_portal_group(&group(2, [portal(7, Some(3)), portal(8, None)])).unwrap();
    assert_eq!((relative(1), relative(2)), (vec![1], vec![3, 2]));
    assert!(matches!(rig.manager.create_portal_group(&group(3, [portal(9, Some(3))])), Err(Error::Exists(_))));
    assert!(matches!(rig.manager.create_portal_group(&group(3, [portal(7, Some(4))])), Err(Error::Refused(_))));
    assert!(matches!(rig.manager.create_portal_group(&group(3, [portal(9, Some(0))])), Err(Error::Refused(_))));
    assert!(matches!(
        rig.manager.create_portal_group(&group(3, [portal(9, None), portal(9, None)])),
        Err(Error::Exists(_))
    ));
    rig.manager.delete_portal_group(2).unwrap();
    rig.manager.create_portal_group(&group(3, [portal(9, None), portal(8, None)])).unwrap();
    assert_eq!(relative(3), [4, 2], "a port keeps its own, also while it is in no group");
    assert_eq!(rig.offered(), [PORT, fc(9), fc(8)]);
    rig.manager.remove_portals(3, &[fc(9)], &[]).unwrap();
    assert_eq!(rig.offered(), [PORT, fc(8)]);
    assert!(matches!(rig.manager.remove_portals(3, &[fc(9)], &[]), Err(Error::NotFound(_))));
}

#[test]
fn a_port_that_cannot_be_served_undoes_the_group() {
    let rig = Rig::new();
    *rig.transport.refuses_port.lock().unwrap() = Some(fc(7));
    let error = rig.manager.create_portal_group(&group(2, [portal(7, None)])).unwrap_err();
    assert_eq!(error, Error::Failed("there is no memory for it".into()));
    assert_eq!((rig.manager.portal_groups().len(), rig.offered()), (1, vec![PORT]));
    *rig.transport.refuses_port.lock().unwrap() = None;
    rig.manager.create_portal_group(&group(2, [portal(7, None)])).unwrap();
}

#[test]
fn groups_change_what_the_cores_know_of_nodes() {
    let rig = Rig::new();
    rig.manager.create_node(&node("n", &[(0, "A")])).unwrap();
    rig.heard();
    let host = parse_rule("!0x1100000000000007").unwrap();
    rig.manager.add_initiators(1, std::slice::from_ref(&host), &[], Some(0)).unwrap();
    assert_eq!(rig.heard(), ["node n [(0, 1)]"]);
    let view = rig.view("n");
    let may = |wwpn| view.map_of(&origin(wwpn)).is_some();
    assert_eq!((may(0x1100_0000_0000_0007), may(0x1100_0000_0000_0008)), (false, true));
    assert!(matches!(rig.manager.add_initiators(1, std::slice::from_ref(&host), &[], None), Err(Error::Exists(_))));
    assert!(matches!(
        rig.manager.add_initiators(1, &[parse_rule("!ALL").unwrap()], &[], Some(3)),
        Err(Error::Refused(_))
    ));
    rig.manager.remove_initiators(1, &[host], &[]).unwrap();
    assert!(rig.view("n").map_of(&origin(0x1100_0000_0000_0007)).is_some());
    rig.manager.add_portals(1, &[portal(7, None)], &[]).unwrap();
    assert!(rig.view("n").has_port(&fc(7)));
    rig.manager.create_initiator_group(2, &all(), &[], "").unwrap();
    let second = Mapping { portal_group: 1, initiator_group: 2 };
    rig.manager.add_mappings("n", &[second]).unwrap();
    rig.manager.remove_mappings("n", &[second]).unwrap();
    assert!(matches!(rig.manager.remove_mappings("n", &[second]), Err(Error::NotFound(_))));
    assert_eq!(rig.view("n").maps.len(), 1);
    rig.assert_published();
}

#[test]
fn a_transport_that_comes_later_hears_all() {
    let rig = Rig::bare();
    rig.manager.create_portal_group(&group(1, [portal(5, None)])).unwrap();
    rig.manager.create_initiator_group(1, &all(), &[], "").unwrap();
    rig.manager.create_node(&node("n", &[(0, "A")])).unwrap();
    rig.join();
    assert_eq!(rig.heard(), ["unit 1 A", "node n [(0, 1)]"]);
    assert_eq!(rig.offered(), [fc(5)]);
    rig.manager.stop();
    assert_eq!(rig.heard(), ["drain"]);
    assert!(rig.transport.stopped.load(SeqCst));
}

#[test]
fn homes_are_numbered_over_all_transports() {
    let rig = Rig::new();
    let known = |cores: &[std::sync::Arc<fake::Core>]| -> Vec<(usize, Vec<bool>)> {
        cores.iter().map(|core| core.homes.lock().unwrap().clone()).collect()
    };
    assert_eq!(known(&rig.cores), [(0, vec![true; 2]), (1, vec![true; 2])]);
    let (second, cores) = transport("Second");
    rig.manager.need_transport("Second", || Ok(second.clone())).unwrap();
    assert_eq!(known(&rig.cores), [(0, vec![true; 4]), (1, vec![true; 4])]);
    assert_eq!(known(&cores), [(2, vec![true; 4]), (3, vec![true; 4])]);
    // One that cannot serve goes again; its numbers are nobody's, and the others wait for it no longer.
    let (third, _) = transport("Third");
    *third.refuses_port.lock().unwrap() = Some(PORT);
    rig.manager.need_transport("Third", || Ok(third.clone())).unwrap_err();
    let left = vec![true, true, true, true, false, false];
    assert_eq!(known(&rig.cores), [(0, left.clone()), (1, left.clone())]);
    assert_eq!(known(&cores), [(2, left.clone()), (3, left)]);
    assert!(third.stopped.load(SeqCst));
    cores.iter().for_each(|core| core.hangs.store(true, SeqCst));
    second.stop();
}

#[test]
fn the_state_directory_is_set_before_volumes_are_mapped() {
    let rig = Rig::new();
    let place = std::env::temp_dir().join("qfc-control-state");
    rig.manager.keep_state_in(&place).unwrap();
    rig.manager.create_node(&node("n", &[(0, "A")])).unwrap();
    assert!(matches!(rig.manager.keep_state_in(&place).unwrap_err(), Error::Refused(_)));
    assert!(!place.exists(), "made when it is needed");
}
