//! Admin commands, one by one, right and wrong.

use super::rig::*;
use wire::fabrics::{DISCOVERY_NQN, Disconnect, PropertyGet, PropertySet};
use wire::identify::{self, NamespaceIndependent, NsList};
use wire::limits::NSID_ALL;
use wire::log::{DiscoveryHeader, Effects, ErrorEntry, FirmwareSlots, SupportedLogs};
use wire::nvme::{
    AdminOpcode, Cap, Cns, Crto, Csi, Csts, FeatureId, Features, GetLogPage, Identify, LogId, Property, Select,
    SglDescriptor, Sqe, Status,
};
use wire::{U32, U64};

const FIELD: Status = Status(0x4002);

#[test]
fn properties() {
    let mut rig = Rig::new(1);
    let (at, cntlid) = rig.admin(0);
    let cap = rig.property(at, Property::CAP);
    assert_eq!(rig.property(at, Property::CC), ENABLE);
    assert_eq!(rig.property(at, Property::CRTO), u64::from(Crto::default().with_crwmt(30).0));
    assert!(Cap(cap).crwms() && Cap(cap).to() == 30);
    // The halves of CAP may be read one by one.
    let half = |property| {
        let mut sqe = PropertyGet::sqe(property);
        sqe.cdw10 = U32::new(0);
        sqe
    };
    let (low, _) = rig.call(at, half(Property(0)), &[]);
    let (high, _) = rig.call(at, half(Property(4)), &[]);
    assert_eq!(low.value() | high.value() << 32, cap);
    for unknown in [0x0c, 0x20, 0x24, 0x28, 0x38, 0x1300, 0xffff_fffc] {
        assert_eq!(rig.status(at, PropertyGet::sqe(Property(unknown))), FIELD, "{unknown:#x}");
        assert_eq!(rig.status(at, PropertySet::sqe(Property(unknown), 1)), FIELD);
    }
    for read_only in [Property::CAP, Property::VS, Property::CSTS, Property::CRTO] {
        assert_eq!(rig.status(at, PropertySet::sqe(read_only, 1)), FIELD);
    }
    for size in [1, 2, 7] {
        let mut sqe = PropertyGet::sqe(Property::CC);
        sqe.cdw10 = U32::new(size);
        assert_eq!(rig.status(at, sqe), FIELD);
    }
    let io = rig.io(0, cntlid, 1);
    assert_eq!(rig.status(io, PropertyGet::sqe(Property::CAP)), Status::INVALID_OPCODE.with_dnr());
}

#[test]
fn what_cap_does_not_offer_is_fatal() {
    let mut rig = Rig::new(1);
    for wrong in [0x0046_0011, 0x0046_0071, 0x0046_0081, 0x0046_0801, 0x0146_0001] {
        let (at, _) = rig.admin_of(0, NQN);
        rig.set_cc(at, wrong);
        assert_eq!(rig.csts(at), Csts::default().with_cfs(true), "{wrong:#x}");
        assert_eq!(rig.status(at, Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0)), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
        rig.set_cc(at, 0);
        assert_eq!(rig.csts(at), Csts::default());
        rig.set_cc(at, ENABLE);
        assert!(rig.csts(at).rdy());
    }
}

#[test]
fn identify_what_there_is() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin(0);
    let mut get = |cns: u8, nsid| rig.get(at, Identify::sqe(Cns(cns), nsid, Csi::NVM), 4096);
    for (cns, nsid) in [(0x00, 1), (0x01, 0), (0x03, 1), (0x05, 1), (0x06, 0), (0x08, 1), (0x11, 1), (0x1c, 0)] {
        let (cqe, data) = get(cns, nsid);
        assert!(cqe.status().is_success(), "{cns:#x}");
        // The NVM part of a namespace without protection information is all zero.
        assert_eq!(data.iter().any(|b| *b != 0), cns != 0x05, "{cns:#x}");
    }
    for cns in [0x02, 0x07, 0x10] {
        let list: NsList = wire::read(&get(cns, 0).1).unwrap();
        assert!(list.iter().eq([1]), "{cns:#x}");
        let list: NsList = wire::read(&get(cns, 1).1).unwrap();
        assert_eq!(list.iter().count(), 0);
        assert_eq!(get(cns, 0xffff_fffe).0.status(), Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr());
    }
    // Valid but not active: zeroes. Not valid: an error.
    for cns in [0x00, 0x05, 0x08, 0x11] {
        let (cqe, data) = get(cns, 32);
        assert!(cqe.status().is_success() && data.iter().all(|b| *b == 0), "{cns:#x}");
        for nsid in [0, 33, NSID_ALL] {
            assert_eq!(get(cns, nsid).0.status(), Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr());
        }
    }
    assert_eq!(get(0x03, 2).0.status(), Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr());
    for cns in [0x04, 0x09, 0x0a, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0xff] {
        assert_eq!(get(cns, 1).0.status(), FIELD, "{cns:#x}");
    }
    for cns in [0x05, 0x06, 0x07] {
        let (cqe, _) = rig.get(at, Identify::sqe(Cns(cns), 1, Csi::ZONED), 4096);
        assert_eq!(cqe.status(), FIELD);
    }
    let (_, data) = rig.get(at, Identify::sqe(Cns::NAMESPACE_INDEPENDENT, 1, Csi::NVM), 4096);
    let id: NamespaceIndependent = wire::read(&data).unwrap();
    assert_eq!((id.nstat, id.nsfeat), (1, 0));
    rig.assert_idle();
}

#[test]
fn data_pointers_of_admin_commands_are_checked() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin(0);
    let sqe = Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM);
    assert_eq!(rig.get(at, sqe, 4095).0.status(), Status::DATA_SGL_LENGTH_INVALID.with_dnr());
    assert_eq!(rig.get(at, sqe, 8192).1.len(), 4096);
    let with = |dptr, flags| Sqe { dptr, flags, ..sqe };
    let kind = Status::SGL_DESCRIPTOR_TYPE_INVALID.with_dnr();
    assert_eq!(rig.status(at, with(SglDescriptor::block(0, 4096), 0x40)), kind);
    assert_eq!(rig.status(at, with(SglDescriptor::keyed_block(0, 4096, 1, false), 0x40)), kind);
    assert_eq!(rig.status(at, with(SglDescriptor::transport(4096), 0x00)), FIELD);
    assert_eq!(rig.status(at, with(SglDescriptor::transport(4096), 0x41)), FIELD);
    rig.assert_idle();
}

#[test]
fn features_of_an_io_controller() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin(0);
    let mut value = |fid: FeatureId, sel: Select| {
        let (cqe, _) = rig.call(at, Features::get(fid, 0, sel), &[]);
        cqe.status().is_success().then(|| cqe.dw0.get())
    };
    let defaults = [
        (FeatureId::ARBITRATION, 7),
        (FeatureId::POWER_MANAGEMENT, 0),
        (FeatureId::TEMPERATURE_THRESHOLD, 0xffff),
        (FeatureId::ERROR_RECOVERY, 0),
        (FeatureId::VOLATILE_WRITE_CACHE, 1),
        (FeatureId::NUMBER_OF_QUEUES, 0x0003_0003),
        (FeatureId::WRITE_ATOMICITY_NORMAL, 0),
        (FeatureId::ASYNC_EVENT_CONFIG, 0x100),
        (FeatureId::KEEP_ALIVE_TIMER, 0),
    ];
    for (fid, default) in defaults {
        for sel in [Select::CURRENT, Select::DEFAULT, Select::SAVED] {
            assert_eq!(value(fid, sel), Some(default), "{fid:?} {sel:?}");
        }
    }
    assert_eq!(value(FeatureId::ARBITRATION, Select::SUPPORTED_CAPABILITIES), Some(4));
    assert_eq!(value(FeatureId::ERROR_RECOVERY, Select::SUPPORTED_CAPABILITIES), Some(6));
    assert_eq!(value(FeatureId::HOST_ID, Select::SUPPORTED_CAPABILITIES), Some(0));
    assert_eq!(value(FeatureId::ARBITRATION, Select(4)), None);
    for unknown in [0x00, 0x03, 0x08, 0x09, 0x0c, 0x0e, 0x10, 0x16, 0x80, 0x82, 0xc0] {
        assert_eq!(value(FeatureId(unknown), Select::CURRENT), None, "{unknown:#x}");
    }
    let mut set = |fid: FeatureId, dw11| rig.status(at, Features::set(fid, 0, dw11));
    assert!(set(FeatureId::ARBITRATION, 0x0a0b_0c03).is_success());
    assert!(set(FeatureId::TEMPERATURE_THRESHOLD, 0x0010_0150).is_success());
    assert_eq!(set(FeatureId::TEMPERATURE_THRESHOLD, 0x0001_0150), FIELD);
    assert_eq!(set(FeatureId::POWER_MANAGEMENT, 1), FIELD);
    assert_eq!(set(FeatureId::NUMBER_OF_QUEUES, 0xffff_0001), FIELD);
    assert_eq!(set(FeatureId::NUMBER_OF_QUEUES, 0x0001_ffff), FIELD);
    assert_eq!(set(FeatureId::ASYNC_EVENT_CONFIG, 1 << 9), FIELD);
    assert_eq!(set(FeatureId::HOST_ID, 0), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
    assert_eq!(set(FeatureId::TIMESTAMP, 0), FIELD);
    assert!(set(FeatureId::VOLATILE_WRITE_CACHE, 1).is_success());
    assert_eq!(set(FeatureId::VOLATILE_WRITE_CACHE, 0), Status::FEATURE_NOT_CHANGEABLE.with_dnr());
    let mut save = Features::set(FeatureId::ARBITRATION, 0, 7);
    save.cdw10 = U32::new(save.cdw10.get() | 1 << 31);
    assert_eq!(rig.status(at, save), Status::FEATURE_ID_NOT_SAVEABLE.with_dnr());
    let of_one = Features::set(FeatureId::ARBITRATION, 1, 7);
    assert_eq!(rig.status(at, of_one), Status::FEATURE_NOT_NAMESPACE_SPECIFIC.with_dnr());
    let (cqe, _) = rig.call(at, Features::get(FeatureId::ARBITRATION, 0, Select::CURRENT), &[]);
    assert_eq!(cqe.dw0.get(), 0x0a0b_0c03);
    // 64-bit host identifiers are not for Fabrics.
    let short = Features::get(FeatureId::HOST_ID, 0, Select::CURRENT);
    assert_eq!(rig.get(at, short, 8).0.status(), Status::HOST_ID_INCONSISTENT_FORMAT.with_dnr());
}

#[test]
fn the_number_of_queues_is_fixed_once_there_are_some() {
    let mut rig = Rig::new(1);
    let (at, cntlid) = rig.admin(0);
    let set = |n: u32| Features::set(FeatureId::NUMBER_OF_QUEUES, 0, n << 16 | n);
    assert_eq!(rig.call(at, set(99), &[]).0.dw0.get(), 0x0003_0003);
    assert_eq!(rig.call(at, set(0), &[]).0.dw0.get(), 0);
    rig.io(0, cntlid, 1);
    assert_eq!(rig.status(at, set(1)), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
}

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
fn discovery_controllers_do_less() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin_of(0, DISCOVERY_NQN);
    rig.set_cc(at, ENABLE);
    let id = rig.get(at, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096).1;
    let id: identify::Controller = wire::read(&id).unwrap();
    assert_eq!((id.oaes.get(), id.nn.get(), id.cntrltype), (1 << 31, 0, 2));
    assert_eq!(rig.get(at, Identify::sqe(Cns::NAMESPACE, 1, Csi::NVM), 4096).0.status(), FIELD);
    let smart = GetLogPage::sqe(LogId::SMART, NSID_ALL, 512, 0, false);
    assert_eq!(rig.get(at, smart, 512).0.status(), Status::INVALID_LOG_PAGE.with_dnr());
    assert_eq!(rig.status(at, Features::get(FeatureId::NUMBER_OF_QUEUES, 0, Select::CURRENT)), FIELD);
    assert!(rig.status(at, Features::set(FeatureId::ASYNC_EVENT_CONFIG, 0, 1 << 31)).is_success());
    for opcode in [0x00, 0x01, 0x04, 0x05, 0x0d, 0x10, 0x11, 0x80, 0x84, 0xc0] {
        assert_eq!(rig.status(at, Sqe::new(opcode, 0)), Status::INVALID_OPCODE.with_dnr());
    }
    rig.assert_idle();
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
        let names = entries.iter().take(header.numrec.get() as usize).map(|e| wire::unpadded(&e.traddr).unwrap().to_owned());
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

#[test]
fn disconnect_ends_an_io_queue_after_its_reply() {
    let mut rig = Rig::new(1);
    let (at, cntlid) = rig.admin(0);
    let io = rig.io(0, cntlid, 1);
    let mut wrong = Disconnect::sqe();
    wrong.cdw10 = U32::new(1);
    assert_eq!(rig.status(io, wrong).code(), Status::CONNECT_INCOMPATIBLE_FORMAT);
    assert_eq!(rig.status(at, Disconnect::sqe()).code(), Status::DISCONNECT_INVALID_QUEUE_TYPE);
    assert!(rig.status(io, Disconnect::sqe()).is_success());
    assert!(!rig.is_open(io) && rig.is_open(at));
    // Its identifier is free again.
    rig.io(0, cntlid, 1);
    rig.assert_idle();
}
