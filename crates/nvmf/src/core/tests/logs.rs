//! Log pages.

use super::rig::*;
use wire::fabrics::DISCOVERY_NQN;
use wire::limits::NSID_ALL;
use wire::log::{DiscoveryHeader, Effects, ErrorEntry, FirmwareSlots, SupportedLogs};
use wire::nvme::{GetLogPage, LogId, Sqe, Status};
use wire::{U32, U64};

const FIELD: Status = Status(0x4002);

#[test]
fn log_pages_of_an_io_controller() {
    let mut rig = Rig::new(1);
    let (at, cntlid) = rig.admin(0);
    let mut page = |lid: LogId, len| rig.get(at, GetLogPage::sqe(lid, NSID_ALL, len, 0, false), len).1;
    let logs: SupportedLogs = wire::read(&page(LogId::SUPPORTED_LOG_PAGES, 1024)).unwrap();
    let effects: Effects = wire::read(&page(LogId::COMMANDS_SUPPORTED_AND_EFFECTS, 4096)).unwrap();
    let slots: FirmwareSlots = wire::read(&page(LogId::FIRMWARE_SLOT, 512)).unwrap();
    assert_eq!((slots.afi, wire::unpadded(&slots.frs[0])), (1, Some(env!("CARGO_PKG_VERSION"))));
    // What is said to be supported is, and nothing else.
    for lid in 0..=255 {
        let sqe = GetLogPage::sqe(LogId(lid), NSID_ALL, 64, 0, true);
        let status = rig.get(at, sqe, 64).0.status();
        let expected = if logs.has(LogId(lid)) { Status::SUCCESS } else { Status::INVALID_LOG_PAGE.with_dnr() };
        assert_eq!(status, expected, "{lid:#x}");
    }
    let io = rig.io(0, cntlid, 1);
    for opcode in 0..=255u8 {
        let served = |rig: &mut Rig, at| {
            let cid = rig.submit(at, Sqe { flags: 0, ..Sqe::new(opcode, 1) }, &[]);
            rig.reply(at, cid).is_none_or(|(cqe, _)| !cqe.status().is(Status::INVALID_OPCODE))
        };
        if opcode == 0x7f {
            continue;
        }
        assert_eq!(served(&mut rig, io), effects.io[usize::from(opcode)].get() & 1 != 0, "I/O {opcode:#x}");
        assert_eq!(served(&mut rig, at), effects.admin[usize::from(opcode)].get() & 1 != 0, "admin {opcode:#x}");
    }
}

#[test]
fn log_page_lengths_and_offsets() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin(0);
    let sqe = |bytes, offset| GetLogPage::sqe(LogId::SMART, NSID_ALL, bytes, offset, false);
    let whole = rig.get(at, sqe(512, 0), 512).1;
    // Beyond the end there are zeroes.
    let more = rig.get(at, sqe(1024, 0), 1024).1;
    assert_eq!((&more[..512], &more[512..]), (&whole[..], &[0; 512][..]));
    assert_eq!(rig.get(at, sqe(8, 4), 8).1, whole[4..12]);
    assert_eq!(rig.get(at, sqe(8, 512), 8).1, [0; 8]);
    assert_eq!(rig.get(at, sqe(8, 516), 8).0.status(), FIELD);
    assert_eq!(rig.get(at, sqe(8, 2), 8).0.status(), FIELD);
    assert_eq!(rig.get(at, sqe(8, u64::MAX - 3), 8).0.status(), FIELD);
    assert_eq!(rig.get(at, sqe(512, 0), 508).0.status(), Status::DATA_SGL_LENGTH_INVALID.with_dnr());
    // MDTS.
    assert!(rig.get(at, sqe(131_072, 0), 131_072).0.status().is_success());
    assert_eq!(rig.get(at, sqe(131_076, 0), 131_076).0.status(), FIELD);
    let mut all = sqe(8, 0);
    (all.cdw10, all.cdw11) = (U32::new(0xffff_0002), U32::new(0xffff));
    assert_eq!(rig.get(at, all, u32::MAX).0.status(), FIELD);
    let mut index = sqe(8, 0);
    index.cdw14 = U32::new(1 << 23);
    assert_eq!(rig.get(at, index, 8).0.status(), FIELD);
    rig.assert_idle();
}

#[test]
fn errors_are_logged_with_their_controller() {
    let mut rig = Rig::new(2);
    let (at, cntlid) = rig.admin(0);
    let far = rig.io(1, cntlid, 1);
    let (other, _) = rig.admin(0);
    let bad = wire::nvm::Rw::sqe(wire::nvme::NvmOpcode::READ, 1, BLOCKS, 1, 0);
    let (cqe, _) = rig.get(far, bad, 512);
    assert_eq!(cqe.status(), Status::LBA_OUT_OF_RANGE.with_dnr());
    rig.status(at, Sqe::new(0xc5, 0));
    let page = rig.get(at, GetLogPage::sqe(LogId::ERROR, NSID_ALL, 4096, 0, false), 4096).1;
    let entries: &[ErrorEntry] = wire::parse_each(&page);
    assert_eq!((entries[0].opcode, entries[0].sqid.get(), entries[0].error_count.get()), (0xc5, 0, 2));
    assert_eq!((entries[1].sqid.get(), entries[1].lba, entries[1].nsid.get()), (1, U64::new(BLOCKS), 1));
    assert_eq!(entries[1].status(), Status::LBA_OUT_OF_RANGE.with_dnr());
    assert_eq!(entries[2].error_count.get(), 0);
    let page = rig.get(other, GetLogPage::sqe(LogId::ERROR, NSID_ALL, 64, 0, false), 64).1;
    assert_eq!(page, [0; 64]);
}

#[test]
fn the_discovery_log_shows_what_a_host_may_use() {
    let mut rig = Rig::new(1);
    let mut second = subsystem(&[]);
    (second.id, second.nqn, second.allow_any_host) = (2, format!("{NQN}0"), false);
    second.listeners[0].traddr = "10.0.0.1".to_owned();
    let mut six = listener();
    (six.id, six.adrfam, six.traddr) = (9, 2, "::".to_owned());
    second.listeners.push(six);
    rig.update(second.clone()).unwrap();
    let count = |rig: &mut Rig| {
        let (at, _) = rig.admin_of(0, DISCOVERY_NQN);
        rig.set_cc(at, ENABLE);
        let page = rig.get(at, GetLogPage::sqe(LogId::DISCOVERY, 0, 4096, 0, false), 4096).1;
        let header: DiscoveryHeader = wire::read(&page).unwrap();
        let entries: &[wire::log::DiscoveryEntry] = wire::parse_each(&page[1024..]);
        let names =
            entries.iter().take(header.numrec.get() as usize).map(|e| wire::unpadded(&e.traddr).unwrap().to_owned());
        (header.genctr.get(), names.collect::<Vec<_>>())
    };
    assert_eq!(count(&mut rig), (0, vec!["192.0.2.1".to_owned()]));
    // Allowed now; the IPv6 wildcard has no address that an IPv4 host could be told.
    second.hosts.push(HOST.to_owned());
    rig.update(second.clone()).unwrap();
    let elsewhere = crate::ReferralView {
        trtype: crate::Trtype::Tcp,
        adrfam: 1,
        traddr: "10.0.0.9".to_owned(),
        trsvcid: "8009".to_owned(),
        subnqn: DISCOVERY_NQN.to_owned(),
        secure_channel: true,
    };
    let message = crate::Message::DiscoveryChanged { generation: 5, referrals: [elsewhere].into() };
    rig.mail[0].send(message).unwrap();
    let addresses = ["192.0.2.1", "10.0.0.1", "10.0.0.9"].map(str::to_owned);
    assert_eq!(count(&mut rig), (5, addresses.to_vec()));
    // Offered everywhere, without a list: at least where the host asked.
    (second.listeners, second.any_listener) = (Vec::new(), true);
    rig.update(second).unwrap();
    assert_eq!(count(&mut rig).1, ["192.0.2.1", "192.0.2.1", "10.0.0.9"]);
}
