//! Admin commands, one by one, right and wrong.

use super::rig::*;
use wire::U32;
use wire::fabrics::{DISCOVERY_NQN, Disconnect, PropertyGet, PropertySet};
use wire::identify::{self, NamespaceIndependent, NsList};
use wire::limits::NSID_ALL;
use wire::nvme::{
    AdminOpcode, Cap, Cns, Crto, Csi, Csts, FeatureId, Features, GetLogPage, Identify, LogId, Property, Select,
    SglDescriptor, Sqe, Status,
};

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
