//! RESERVE and RELEASE (SPC-2), alone and beside persistent reservations.

use crate::reservation_rig::*;
use crate::rig::*;

const RESERVE_6: [u8; 6] = [0x16, 0, 0, 0, 0, 0];
const RELEASE_6: [u8; 6] = [0x17, 0, 0, 0, 0, 0];
const RESERVE_10: [u8; 10] = [0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const RELEASE_10: [u8; 10] = [0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn one_holds_it_and_only_it_releases_it() {
    for (reserve, release) in [(&RESERVE_6[..], &RELEASE_6[..]), (&RESERVE_10, &RELEASE_10)] {
        let mut hosts = Hosts::new(2);
        assert_eq!((hosts.told(0, reserve), hosts.told(0, reserve)), (GOOD, GOOD));
        assert_eq!((hosts.told(1, reserve), hosts.told(1, release)), (CONFLICT, GOOD));
        assert_eq!((hosts.told(0, &read10(0, 1)), hosts.told(1, &read10(0, 1))), (GOOD, CONFLICT));
        assert_eq!((hosts.told(1, &[0; 6]), hosts.told(1, &[0x1a, 0, 0x3f, 0, 4, 0])), (CONFLICT, CONFLICT));
        let asks =
            [&[0x12, 0, 0, 0, 36, 0][..], &[3, 0, 0, 0, 18, 0], &[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], &[0x25]];
        for cdb in asks {
            assert_eq!(hosts.told(1, &[cdb, &[0; 9][..]].concat()[..16.min(cdb.len() + 9)]), GOOD, "{cdb:x?}");
        }
        assert_eq!(hosts.told(0, release), GOOD);
        assert_eq!((hosts.told(1, &read10(0, 1)), hosts.told(1, reserve)), (GOOD, GOOD));
    }
}

#[test]
fn resets_and_the_end_of_the_nexus_release_it() {
    type End = fn(&mut Hosts);
    let ends: [(End, &str); 5] = [
        (|hosts| _ = hosts.rig.manage(1, 1, 0, Management::LunReset), "LOGICAL UNIT RESET of another"),
        (|hosts| _ = hosts.rig.manage(0, 0, 0, Management::LunReset), "LOGICAL UNIT RESET of its own"),
        (|hosts| _ = hosts.rig.manage(1, 1, 0, Management::TargetReset), "TARGET RESET"),
        (|hosts| _ = hosts.rig.manage(0, 0, 0, Management::ItNexusReset), "I_T NEXUS RESET"),
        (|hosts| hosts.rig.cores[0].port_mut().lose(0), "logout"),
    ];
    for (end, what) in ends {
        let mut hosts = Hosts::new(2);
        assert_eq!(hosts.told(0, &RESERVE_6), GOOD);
        assert_eq!(hosts.told(1, &RESERVE_6), CONFLICT);
        end(&mut hosts);
        hosts.rig.run();
        hosts.calm(1);
        assert_eq!(hosts.told(1, &RESERVE_6), GOOD, "{what}");
    }
}

#[test]
fn what_does_not_concern_the_holder_does_not_release_it() {
    let mut hosts = Hosts::new(3);
    assert_eq!(hosts.told(0, &RESERVE_6), GOOD);
    hosts.rig.manage(1, 1, 0, Management::ItNexusReset);
    hosts.rig.cores[2].port_mut().lose(2);
    hosts.rig.manage(1, 1, 0, Management::AbortTaskSet);
    hosts.rig.run();
    let told = hosts.told(1, &[0; 6]);
    assert!(told == CONFLICT || told == (2, 6, 0x2907), "{told:?}");
    assert_eq!((hosts.told(1, &RESERVE_6), hosts.told(0, &RESERVE_6)), (CONFLICT, GOOD));
}

#[test]
fn one_kind_excludes_the_other() {
    let mut hosts = Hosts::new(2);
    assert_eq!(hosts.told(0, &RESERVE_6), GOOD);
    for n in 0..2 {
        assert_eq!(hosts.out(n, REGISTER, 0, 0, 5, 0), CONFLICT);
        assert_eq!(hosts.told(n, &[0x5e, 0, 0, 0, 0, 0, 0, 1, 0, 0]), CONFLICT);
    }
    assert_eq!(hosts.told(0, &RELEASE_6), GOOD);
    hosts.register(0);
    for n in 0..2 {
        assert_eq!((hosts.told(n, &RESERVE_6), hosts.told(n, &RELEASE_6)), (CONFLICT, CONFLICT));
    }
}

#[test]
fn who_may_use_it_by_a_persistent_reservation_reserves_without_effect() {
    for kind in TYPES {
        let mut hosts = Hosts::new(3);
        hosts.register(0);
        hosts.register(1);
        assert_eq!(hosts.reserve(0, kind), GOOD);
        let registered = if kind >= 5 { GOOD } else { CONFLICT };
        for (n, told) in [(0, GOOD), (1, registered), (2, CONFLICT)] {
            for cdb in [&RESERVE_6[..], &RELEASE_6, &RESERVE_10, &RELEASE_10] {
                assert_eq!(hosts.told(n, cdb), told, "type {kind}, host {n}");
            }
        }
        assert!(hosts.reservation().is_some());
        assert_eq!(hosts.release(0, kind), GOOD);
        assert_eq!(hosts.calm(2), [0; 0], "nothing is left of it");
    }
}

#[test]
fn only_for_oneself_and_the_whole() {
    let mut hosts = Hosts::new(1);
    for (at, byte) in [(1, 0x10), (1, 0x11), (1, 1), (4, 1)] {
        let mut cdb = RESERVE_6;
        cdb[at] = byte;
        assert_eq!(hosts.told(0, &cdb), IN_CDB);
    }
    for (at, byte) in [(1, 0x10), (1, 2), (8, 8)] {
        let mut cdb = RESERVE_10;
        cdb[at] = byte;
        assert_eq!(hosts.told(0, &cdb), IN_CDB);
    }
}
