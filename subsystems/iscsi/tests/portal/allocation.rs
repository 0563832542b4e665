//! Once a session is there, its reads and writes neither allocate nor free.

use crate::initiator::{How, Initiator, cdb10, pattern};
use crate::rig::Rig;
use wire::iscsi::RESERVED_TAG;

fn work(rig: &mut Rig, initiator: &mut Initiator, data: &[u8]) {
    // By R2T, whole in the command, and unsolicited.
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 80), 0x80 | 0x20, 40_960);
    initiator.send(bhs, &data[..1000]);
    assert_eq!(initiator.serve(rig, itt, data, 4096).0.status(), 0);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 80, 8), 0x80 | 0x20, 4096);
    initiator.send(bhs, &data[..4096]);
    assert_eq!(initiator.serve(rig, itt, data, 4096).0.status(), 0);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 88, 16), 0x20, 8192);
    initiator.send(bhs, &[]);
    initiator.data_out(itt, RESERVED_TAG, (0, 0), &data[..8192], true);
    assert_eq!(initiator.serve(rig, itt, data, 4096).0.status(), 0);
    assert!(initiator.read(rig, 0, 80) == data);
    assert!(initiator.read(rig, 88, 16) == data[..8192]);
    // Sense data too.
    assert_eq!(initiator.command(rig, &cdb10(0x28, 0x7fff_ffff, 1), 0x40, 512).status(), 2);
}

#[test]
fn reads_and_writes_allocate_nothing() {
    let mut rig = Rig::new();
    for digest in ["None", "CRC32C"] {
        let how = How::default().key("DataDigest", digest).key("HeaderDigest", digest).key("InitialR2T", "No");
        let mut initiator = Initiator::ready(&mut rig, how.key("MaxRecvDataSegmentLength", 4096));
        let data = pattern(7, 40_960);
        work(&mut rig, &mut initiator, &data);
        rig.frugal = true;
        for _ in 0..20 {
            work(&mut rig, &mut initiator, &data);
        }
        rig.frugal = false;
        initiator.logout(&mut rig);
    }
    rig.settle();
}
