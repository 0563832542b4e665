//! Persistent reservations: what each service action does, to whom, and who is told (SPC-4 5.13).

use crate::reservation_rig::*;
use crate::rig::*;

/// Types whose reservation is everyone's who is registered.
fn is_for_all(kind: u8) -> bool {
    kind >= 7
}

#[test]
fn registering_by_the_table() {
    let mut hosts = Hosts::new(2);
    let cases = [
        // Not registered.
        (REGISTER, 5, 7, CONFLICT, vec![]),
        (REGISTER, 0, 0, GOOD, vec![]),
        (REGISTER, 0, 7, GOOD, vec![7]),
        // Registered.
        (REGISTER, 0, 8, CONFLICT, vec![7]),
        (REGISTER, 7, 8, GOOD, vec![8]),
        (REGISTER, 8, 8, GOOD, vec![8]),
        (REGISTER_AND_IGNORE, 99, 9, GOOD, vec![9]),
        (REGISTER, 8, 0, CONFLICT, vec![9]),
        (REGISTER, 9, 0, GOOD, vec![]),
        (REGISTER_AND_IGNORE, 0, 5, GOOD, vec![5]),
        (REGISTER_AND_IGNORE, 0, 0, GOOD, vec![]),
        (REGISTER_AND_IGNORE, 0, 0, GOOD, vec![]),
    ];
    for (action, key, new, told, keys) in cases {
        assert_eq!(hosts.out(0, action, 0, key, new, 0), told, "{action} {key} {new}");
        assert_eq!(hosts.keys(), keys, "{action} {key} {new}");
    }
    assert_eq!(hosts.calm_all().concat(), [0; 0]);
}

#[test]
fn the_generation_counts_changes_of_registrations_and_nothing_else() {
    let mut hosts = Hosts::new(2);
    assert_eq!(hosts.generation(), 0);
    hosts.register(0);
    hosts.register(1);
    assert_eq!(hosts.generation(), 2);
    assert_eq!(hosts.out(0, REGISTER, 0, 99, 1, 0), CONFLICT);
    assert_eq!((hosts.reserve(0, 1), hosts.release(0, 1)), (GOOD, GOOD));
    assert_eq!(hosts.generation(), 2);
    assert_eq!(hosts.out(0, PREEMPT, 1, key(0), key(1), 0), GOOD);
    assert_eq!(hosts.generation(), 3);
    assert_eq!(hosts.out(0, PREEMPT, 1, key(0), key(1), 0), CONFLICT, "there is none with that key");
    assert_eq!(hosts.generation(), 3);
    assert_eq!(hosts.out(0, CLEAR, 0, key(0), 0, 0), GOOD);
    assert_eq!(hosts.generation(), 4);
}

#[test]
fn reserve_and_release_of_each_type() {
    for kind in TYPES {
        let mut hosts = Hosts::new(3);
        assert_eq!(hosts.reserve(0, kind), CONFLICT, "not registered");
        (0..3).for_each(|n| hosts.register(n));
        assert_eq!(hosts.out(0, RESERVE, kind, 1, 0, 0), CONFLICT, "wrong key");
        assert_eq!(hosts.reservation(), None);
        assert_eq!((hosts.reserve(0, kind), hosts.reserve(0, kind)), (GOOD, GOOD), "again is no error");
        let shown = if is_for_all(kind) { 0 } else { key(0) };
        assert_eq!(hosts.reservation(), Some((shown, kind)));
        let other = TYPES.into_iter().find(|other| *other != kind).unwrap();
        assert_eq!((hosts.reserve(0, other), hosts.reserve(1, other)), (CONFLICT, CONFLICT));
        let of_other = if is_for_all(kind) { GOOD } else { CONFLICT };
        assert_eq!(hosts.reserve(1, kind), of_other);
        assert_eq!(hosts.release(0, other), illegal(0x2604));
        assert_eq!(hosts.out(0, RELEASE, kind, 1, 0, 0), CONFLICT);
        if !is_for_all(kind) {
            assert_eq!(hosts.release(1, kind), GOOD, "who does not hold it releases nothing");
            assert_eq!(hosts.reservation(), Some((shown, kind)));
        }
        assert_eq!(hosts.release(if is_for_all(kind) { 1 } else { 0 }, kind), GOOD);
        assert_eq!(hosts.reservation(), None);
        let told = if kind >= 5 { vec![RESERVATIONS_RELEASED] } else { vec![] };
        let own = if is_for_all(kind) { 1 } else { 0 };
        let all: Vec<Vec<u16>> = (0..3).map(|n| if n == own { vec![] } else { told.clone() }).collect();
        assert_eq!(hosts.calm_all(), all, "type {kind}");
    }
}

#[test]
fn a_reservation_goes_with_its_holder() {
    for kind in TYPES {
        for action in [REGISTER, REGISTER_AND_IGNORE] {
            let mut hosts = Hosts::new(3);
            hosts.register(0);
            hosts.register(1);
            assert_eq!(hosts.reserve(0, kind), GOOD);
            assert_eq!(hosts.out(0, action, 0, key(0), 0, 0), GOOD);
            let stays = is_for_all(kind);
            assert_eq!(hosts.reservation(), stays.then_some((0, kind)), "type {kind}");
            let told = if matches!(kind, 5 | 6) { vec![RESERVATIONS_RELEASED] } else { vec![] };
            assert_eq!(hosts.calm_all(), [vec![], told, vec![]], "type {kind}");
            assert_eq!(hosts.out(1, REGISTER, 0, key(1), 0, 0), GOOD);
            assert_eq!((hosts.reservation(), hosts.keys()), (None, vec![]), "the last one is gone");
        }
    }
}

#[test]
fn a_change_of_key_keeps_the_reservation() {
    let mut hosts = Hosts::new(1);
    hosts.register(0);
    assert_eq!(hosts.reserve(0, 3), GOOD);
    assert_eq!(hosts.out(0, REGISTER, 0, key(0), 77, 0), GOOD);
    assert_eq!(hosts.reservation(), Some((77, 3)));
    assert_eq!(hosts.out(0, RELEASE, 3, 77, 0, 0), GOOD);
}

#[test]
fn clear_tells_all_others() {
    for kind in TYPES {
        let mut hosts = Hosts::new(3);
        hosts.register(0);
        hosts.register(1);
        assert_eq!(hosts.reserve(0, kind), GOOD);
        assert_eq!(hosts.out(2, CLEAR, 0, 0, 0, 0), CONFLICT, "not registered");
        assert_eq!(hosts.out(1, CLEAR, 0, key(0), 0, 0), CONFLICT, "another's key");
        assert_eq!(hosts.out(1, CLEAR, 0, key(1), 0, 0), GOOD);
        assert_eq!((hosts.reservation(), hosts.keys()), (None, vec![]));
        assert_eq!(hosts.calm_all(), [vec![RESERVATIONS_PREEMPTED], vec![], vec![]]);
    }
}

#[test]
fn preempting_the_holder_takes_the_reservation() {
    for kind in [1, 3, 5, 6] {
        for new in TYPES {
            let mut hosts = Hosts::new(3);
            (0..3).for_each(|n| hosts.register(n));
            assert_eq!(hosts.reserve(0, kind), GOOD);
            assert_eq!(hosts.out(1, PREEMPT, 0, key(1), key(0), 0), IN_CDB, "no type");
            assert_eq!(hosts.out(1, PREEMPT, new, key(1), 0, 0), IN_LIST, "nobody has key 0");
            assert_eq!(hosts.out(1, PREEMPT, new, key(1), key(0), 0), GOOD);
            assert_eq!(hosts.keys(), [key(1), key(2)]);
            assert_eq!(hosts.reservation(), Some((if is_for_all(new) { 0 } else { key(1) }, new)));
            let third = if new == kind { vec![] } else { vec![RESERVATIONS_RELEASED] };
            assert_eq!(hosts.calm_all(), [vec![REGISTRATIONS_PREEMPTED], vec![], third], "{kind} {new}");
        }
    }
}

#[test]
fn the_holder_may_change_the_type_by_preempting_itself() {
    let mut hosts = Hosts::new(3);
    (0..3).for_each(|n| hosts.register(n));
    assert_eq!(hosts.out(2, REGISTER, 0, key(2), key(0), 0), GOOD, "a second path of host 0");
    assert_eq!(hosts.reserve(0, 1), GOOD);
    assert_eq!(hosts.out(0, PREEMPT, 5, key(0), key(0), 0), GOOD);
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(0), 5)), vec![key(0), key(1)]));
    assert_eq!(hosts.calm_all(), [vec![], vec![RESERVATIONS_RELEASED], vec![REGISTRATIONS_PREEMPTED]]);
}

#[test]
fn preempting_others_takes_only_their_registrations() {
    for kind in [0, 1, 3, 5, 6, 7, 8] {
        let mut hosts = Hosts::new(3);
        (0..3).for_each(|n| hosts.register(n));
        if kind != 0 {
            assert_eq!(hosts.reserve(0, kind), GOOD);
        }
        // The type is wrong, and does not count.
        assert_eq!(hosts.out(1, PREEMPT, 0xf, key(1), key(2), 0), GOOD);
        let shown = (kind != 0).then_some((if is_for_all(kind) { 0 } else { key(0) }, kind));
        assert_eq!((hosts.reservation(), hosts.keys()), (shown, vec![key(0), key(1)]));
        assert_eq!(hosts.calm_all(), [vec![], vec![], vec![REGISTRATIONS_PREEMPTED]]);
        assert_eq!(hosts.out(1, PREEMPT, 1, key(1), key(2), 0), CONFLICT);
        assert_eq!(hosts.out(2, PREEMPT, 1, key(2), key(1), 0), CONFLICT, "it is not registered any more");
    }
}

#[test]
fn key_0_preempts_all_registrants() {
    for kind in [7, 8] {
        let mut hosts = Hosts::new(3);
        (0..3).for_each(|n| hosts.register(n));
        assert_eq!(hosts.reserve(0, kind), GOOD);
        assert_eq!(hosts.out(1, PREEMPT, 1, key(1), 0, 0), GOOD);
        assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(1), 1)), vec![key(1)]));
        assert_eq!(hosts.calm_all(), [vec![REGISTRATIONS_PREEMPTED], vec![], vec![REGISTRATIONS_PREEMPTED]]);
    }
}

#[test]
fn moving_a_reservation() {
    let to = |n: u64, port: u16, id: &[u8], unregister: bool, key: u64, new: u64| {
        let mut list = [key.to_be_bytes(), new.to_be_bytes()].concat();
        list.extend([0, if unregister { 2 } else { 0 }]);
        list.extend(port.to_be_bytes());
        let id = if id.is_empty() { initiator(n).transport_id() } else { id.to_vec() };
        list.extend((id.len() as u32).to_be_bytes());
        list.extend(id);
        list
    };
    let mut hosts = Hosts::new(3);
    let plain = to(1, 1, &[], false, key(0), 55);
    assert_eq!(hosts.out_list(0, REGISTER_AND_MOVE, 0, &plain), CONFLICT, "not registered");
    hosts.register(0);
    hosts.register(2);
    assert_eq!(hosts.out_list(0, REGISTER_AND_MOVE, 0, &plain), IN_CDB, "there is nothing to move");
    assert_eq!(hosts.reserve(0, 3), GOOD);
    let refused = [
        (2, to(1, 1, &[], false, key(2), 55), CONFLICT),
        (0, to(1, 1, &[], false, 1, 55), CONFLICT),
        (0, to(1, 1, &[], false, key(0), 0), IN_LIST),
        (0, to(0, 1, &[], false, key(0), 55), IN_LIST),
        (0, to(1, 9, &[], false, key(0), 55), IN_LIST),
        (0, to(1, 1, &[6; 24], false, key(0), 55), IN_LIST),
        (0, plain[..40].to_vec(), LENGTH),
        (0, plain[..23].to_vec(), LENGTH),
    ];
    for (n, list, told) in refused {
        assert_eq!(hosts.out_list(n, REGISTER_AND_MOVE, 0, &list), told, "{list:?}");
    }
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(0), 3)), vec![key(0), key(2)]));
    assert_eq!(hosts.out_list(0, REGISTER_AND_MOVE, 0, &plain), GOOD);
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((55, 3)), vec![key(0), key(2), 55]));
    assert_eq!((hosts.told(0, &read10(0, 1)), hosts.told(1, &read10(0, 1))), (CONFLICT, GOOD));
    let back = to(0, 1, &[], true, 55, 66);
    assert_eq!(hosts.out_list(1, REGISTER_AND_MOVE, 0, &back), GOOD);
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((66, 3)), vec![66, key(2)]));
    assert_eq!(hosts.out(0, RELEASE, 3, 66, 0, 0), GOOD);
    assert_eq!(hosts.calm_all().concat(), [0; 0]);
}

#[test]
fn all_registrants_cannot_move_it() {
    let mut hosts = Hosts::new(2);
    hosts.register(0);
    assert_eq!(hosts.reserve(0, 7), GOOD);
    let mut list = list(key(0), 55, 0);
    (list[17], list[19], list[23]) = (0, 1, 24);
    list.extend(initiator(1).transport_id());
    assert_eq!(hosts.out_list(0, REGISTER_AND_MOVE, 0, &list), CONFLICT);
}

#[test]
fn registering_others_by_name() {
    let with = |ids: &[Vec<u8>], key: u64, new: u64| {
        let mut list = list(key, new, SPEC_I_PT);
        let ids = ids.concat();
        list.extend((ids.len() as u32).to_be_bytes());
        list.extend(ids);
        list
    };
    let ids = [initiator(1).transport_id(), initiator(7).transport_id()];
    let mut hosts = Hosts::new(3);
    let refused = [
        (REGISTER_AND_IGNORE, with(&ids, 0, 5), IN_LIST),
        (RESERVE, with(&ids, 0, 5), IN_LIST),
        (REGISTER, with(&ids, 0, 0), IN_LIST),
        (REGISTER, with(&ids, 1, 5), CONFLICT),
        (REGISTER, with(&[vec![5; 24]], 0, 5), IN_LIST),
        (REGISTER, with(&ids, 0, 5)[..60].to_vec(), LENGTH),
        (REGISTER, with(&ids, 0, 5)[..26].to_vec(), LENGTH),
    ];
    for (action, list, told) in refused {
        assert_eq!(hosts.out_list(0, action, 1, &list), told, "{action} {list:?}");
    }
    assert_eq!(hosts.keys(), [0; 0]);
    assert_eq!(hosts.out_list(0, REGISTER, 0, &with(&ids, 0, 5)), GOOD);
    assert_eq!((hosts.keys(), hosts.generation()), (vec![5, 5, 5], 1));
    assert_eq!(hosts.out_list(0, REGISTER, 0, &with(&ids, 5, 6)), IN_LIST, "one that is registered already");
    assert_eq!(hosts.out_list(2, REGISTER, 0, &with(&ids, 0, 6)), CONFLICT, "it names some that are");
    assert_eq!(hosts.out(0, RESERVE, 5, 5, 0, 0), GOOD);
    assert_eq!((hosts.told(1, &read10(0, 1)), hosts.told(2, &read10(0, 1))), (GOOD, GOOD));
    assert_eq!(hosts.out(1, REGISTER, 0, 5, 0, 0), GOOD, "as if it had registered itself");
}

#[test]
fn full_status_shows_each_nexus() {
    let mut hosts = Hosts::new(2);
    hosts.register(0);
    hosts.register(1);
    assert_eq!(hosts.reserve(1, 5), GOOD);
    let data = hosts.pr_in(0, 3);
    assert_eq!((word(&data, 0), word(&data, 4) as usize, data.len()), (2, 96, 104));
    for (n, holder) in [(0, 0), (1, 1)] {
        let entry = &data[8 + n * 48..][..48];
        assert_eq!(u64::from_be_bytes(entry[..8].try_into().unwrap()), key(n));
        assert_eq!((entry[12], entry[13]), (holder, holder * 5));
        assert_eq!((&entry[18..20], word(entry, 20)), (&[0, 1][..], 24));
        assert_eq!(entry[24..], initiator(n as u64).transport_id());
    }
    // The length is that of all, however little is asked for.
    let cut = hosts.ask(0, &[0x5e, 3, 0, 0, 0, 0, 0, 0, 8, 0], 8, &[]).good().data;
    assert_eq!((cut.len(), word(&cut, 4)), (8, 96));
}

#[test]
fn capabilities_are_what_is_served() {
    let mut hosts = Hosts::new(1);
    assert_eq!(hosts.pr_in(0, 2), [0, 8, 0x1c, 0x80, 0xea, 1, 0, 0], "no place to keep anything in");
    assert_eq!(hosts.out(0, REGISTER, 0, 0, 1, APTPL), IN_LIST);
    for action in 4..32 {
        assert_eq!(hosts.ask(0, &[0x5e, action, 0, 0, 0, 0, 0, 1, 0, 0], 256, &[]).told(), IN_CDB);
    }
    for action in 8..32 {
        assert_eq!(hosts.out(0, action, 1, 0, 0, 0), IN_CDB);
    }
}

#[test]
fn malformed_lists_change_nothing() {
    let mut hosts = Hosts::new(1);
    let good = list(0, 7, 0);
    for len in [1, 8, 23] {
        assert_eq!(hosts.out_list(0, REGISTER, 0, &good[..len]), LENGTH);
    }
    assert_eq!(hosts.out_list(0, REGISTER, 0, &[&good[..], &[0]].concat()), LENGTH);
    // Of 24 bytes that the CDB says, fewer come.
    assert_eq!(hosts.ask(0, &[0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0], 0, &good[..16]).told(), LENGTH);
    assert_eq!(hosts.ask(0, &[0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0], 0, &[]).told(), LENGTH);
    assert_eq!(hosts.keys(), [0; 0]);
    hosts.register(0);
    for kind in [0, 2, 4, 9, 15] {
        assert_eq!(hosts.reserve(0, kind), IN_CDB, "type {kind}");
        assert_eq!(hosts.release(0, kind), IN_CDB, "type {kind}");
    }
    for action in [RESERVE, RELEASE, PREEMPT, PREEMPT_AND_ABORT] {
        assert_eq!(hosts.out(0, action, 0x11, key(0), key(0), 0), IN_CDB, "scope 1");
    }
    assert_eq!(hosts.out(0, CLEAR, 0x1f, key(0), 0, 0), GOOD, "neither scope nor type counts");
}

#[test]
fn registrations_outlive_the_nexus_and_resets() {
    let mut hosts = Hosts::new(2);
    hosts.register(0);
    assert_eq!(hosts.reserve(0, 3), GOOD);
    for function in [Management::LunReset, Management::TargetReset, Management::ItNexusReset] {
        hosts.rig.manage(0, 0, 0, function);
        hosts.calm_all();
    }
    hosts.rig.cores[0].port_mut().lose(0);
    hosts.rig.run();
    assert_eq!(hosts.told(1, &read10(0, 1)), CONFLICT);
    hosts.rig.open(0, 0);
    hosts.calm(0);
    assert_eq!((hosts.told(0, &read10(0, 1)), hosts.reservation()), (GOOD, Some((key(0), 3))));
}

/// A disk at two FC ports and an iSCSI one of the same node. Host 0 has a second path, number 7, and host 8 comes by iSCSI.
fn at_three_ports() -> Hosts {
    let name = |text| IscsiName::new(text).unwrap();
    let second = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0002 };
    let iscsi = PortName::IscsiTarget { name: name("iqn.2001-04.org.example:disk"), group: 1 };
    let mut rig = Rig::empty(2);
    rig.add_disk(FEATURES);
    let mut view = map(&[(0, 1)]);
    for (relative, name) in [(2, second), (3, iscsi)] {
        view.ports.push(PortView { relative, name, ..view.ports[0] });
    }
    rig.put_node(node(vec![view]));
    let mut hosts = Hosts::on(rig, 2);
    let remote = PortName::Iscsi { name: name("iqn.2001-04.org.example:host"), isid: [0x40, 0, 0, 0, 0, 1] };
    for (queue, initiator, target, relative_port) in [(7, initiator(0), second, 2), (8, remote, iscsi, 3)] {
        let origin = Origin { initiator, target, relative_port, port_group: 1, address: None };
        hosts.rig.cores[0].port_mut().open(queue, origin);
        hosts.rig.run();
        hosts.rig.calm(0, queue, 0);
    }
    hosts
}

impl Hosts {
    /// A read by a nexus of home 0.
    fn read_by(&mut self, queue: u32) -> Told {
        let task = self.rig.task(queue, 0, &read10(0, 1));
        self.rig.run_task(Task { data_in: 512, ..task }, Vec::new()).told()
    }
}

#[test]
fn all_target_ports_of_the_same_kind_at_once() {
    let mut hosts = at_three_ports();
    assert_eq!(hosts.out(0, REGISTER, 0, 0, key(0), ALL_TG_PT), GOOD);
    assert_eq!(hosts.keys(), [key(0), key(0)]);
    let data = hosts.pr_in(0, 3);
    assert_eq!([data[8 + 19], data[8 + 48 + 19]], [1, 2], "the target ports");
    assert_eq!(hosts.reserve(0, 3), GOOD);
    assert_eq!((hosts.read_by(0), hosts.read_by(7)), (GOOD, CONFLICT), "one nexus holds it, not the initiator port");
    assert_eq!(hosts.release(0, 3), GOOD);
    assert_eq!(hosts.reserve(0, 6), GOOD);
    assert_eq!((hosts.read_by(0), hosts.read_by(7), hosts.told(1, &read10(0, 1))), (GOOD, GOOD, CONFLICT));
    assert_eq!(hosts.out(0, REGISTER, 0, key(0), 0, ALL_TG_PT), GOOD);
    assert_eq!((hosts.keys(), hosts.reservation()), (vec![], None));
}

#[test]
fn one_table_for_hosts_of_both_fabrics() {
    let mut hosts = at_three_ports();
    hosts.register(0);
    assert_eq!(hosts.reserve(0, 6), GOOD);
    assert_eq!(hosts.read_by(8), CONFLICT);
    let register = hosts.rig.task(8, 0, &[0x5f, REGISTER, 0, 0, 0, 0, 0, 0, 24, 0]);
    hosts.rig.run_task(Task { data_out: 24, ..register }, list(0, 0x88, 0)).good();
    assert_eq!((hosts.read_by(8), hosts.keys()), (GOOD, vec![key(0), 0x88]));
    let data = hosts.pr_in(0, 3);
    let entry = &data[8 + 48..];
    assert_eq!((entry[12], entry[19], entry[24]), (0, 3, 0x45), "no holder, port 3, iSCSI with a session");
    assert!(entry[28..].starts_with(b"iqn.2001-04.org.example:host,i,0x400000000001\0"));
    let preempt = hosts.rig.task(8, 0, &[0x5f, PREEMPT, 6, 0, 0, 0, 0, 0, 24, 0]);
    hosts.rig.run_task(Task { data_out: 24, ..preempt }, list(0x88, key(0), 0)).good();
    assert_eq!(hosts.calm(0), [REGISTRATIONS_PREEMPTED]);
    assert_eq!((hosts.read_by(0), hosts.read_by(8)), (CONFLICT, GOOD));
}

#[test]
fn an_iscsi_name_without_a_session_means_all_ports_of_it_that_are_here() {
    let mut hosts = at_three_ports();
    let with = |name: &str| {
        let mut list = list(0, 0x88, SPEC_I_PT);
        let mut id = vec![5, 0, 0, 32];
        id.extend(name.as_bytes());
        id.resize(36, 0);
        list.extend([0, 0, 0, 36]);
        list.extend(id);
        list
    };
    let send = |hosts: &mut Hosts, list: Vec<u8>| {
        let task = hosts.rig.task(8, 0, &[0x5f, REGISTER, 0, 0, 0, 0, 0, 0, list.len() as u8, 0]);
        hosts.rig.run_task(Task { data_out: list.len() as u32, ..task }, list).told()
    };
    assert_eq!(hosts.out_list(0, REGISTER, 0, &with("iqn.2001-04.org.example:nobody")), IN_LIST);
    assert_eq!(send(&mut hosts, with("iqn.2001-04.org.example:nobody")), IN_LIST);
    assert_eq!(send(&mut hosts, with("iqn.2001-04.org.example:host")), GOOD);
    assert_eq!(hosts.keys(), [0x88], "it named itself");
}
