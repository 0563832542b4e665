//! What a host may send wrong. Each gets the status or the terminate request of the standard, the target goes on serving
//! others, and nothing leaks. NVMe/TCP 1.0c 3.5; NVMe Base 2.0c 6.3.

use serde_json::json;
use std::time::{Duration, Instant};
use testbed::{Disk, Exercise, Got, NQN, Raw, Setup, Target, exercise, until, until_within};
use wire::fabrics::{Connect, Nqn};
use wire::limits::CNTLID_DYNAMIC;
use wire::nvm::Rw;
use wire::nvme::{Abort, AdminOpcode, Cc, Cns, Csi, Identify, NvmOpcode, Property, SglDescriptor, Sqe, Status};
use wire::tcp::{Fault, Fes, ICReq};
use wire::{IntoBytes, fabrics::PropertySet};

fn target() -> Target {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start();
    target.ram_disk(512);
    target
}

/// The target ends the connection and says so with one of these.
fn terminated(target: &Target, what: &str, raw: Raw, expected: &[Fault]) {
    terminated_beside(target, what, None, raw, expected);
}

/// The same, with an admin queue that is there until then: its end would be that of its I/O queues.
fn terminated_beside(target: &Target, what: &str, admin: impl Into<Option<Raw>>, mut raw: Raw, expected: &[Fault]) {
    let admin = admin.into();
    let fault = raw.fate().unwrap_or_else(|| panic!("{what}: closed without C2HTermReq"));
    assert!(expected.contains(&fault), "{what}: {fault:?}, expected one of {expected:?}");
    drop((raw, admin));
    target.is_well(what);
}

fn status(what: &str, status: Status, expected: &[Status]) {
    assert!(expected.iter().any(|&e| status.is(e)), "{what}: {status:?}, expected one of {expected:?}");
}

fn write_sqe(slba: u64, nlb: u32) -> Sqe {
    Rw::sqe(NvmOpcode::WRITE, 1, slba, nlb, 0)
}

fn read_sqe(slba: u64, nlb: u32) -> Sqe {
    Rw::sqe(NvmOpcode::READ, 1, slba, nlb, 0)
}

/// An admin queue, an I/O queue, and a write of `bytes` for which the R2T has come: CID, tag, length.
fn owing(target: &Target, bytes: u32) -> (Raw, Raw, u16, u16, u32) {
    let (admin, cntlid) = Raw::admin(target);
    let mut io = Raw::io(target, cntlid, 1);
    let cid = io.start(write_sqe(0, bytes / 512), &[], bytes);
    let r2t = io.r2t(cid);
    assert_eq!(r2t.r2to.get(), 0);
    (admin, io, cid, r2t.ttag.get(), r2t.r2tl.get())
}

#[test]
fn the_first_pdu_is_icreq_and_no_other() {
    let target = target();
    let port = target.setup().port();
    let sequence = [Fault::of(Fes::PDU_SEQUENCE_ERROR)];
    let mut raw = Raw::dial(port);
    let pdu = raw.h2c(1, 1, 0, &[0; 512], true);
    raw.send(&pdu);
    terminated(&target, "H2CData before ICReq", raw, &sequence);

    let mut raw = Raw::dial(port);
    let pdu = raw.capsule(Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0), &[]);
    raw.send(&pdu);
    terminated(&target, "a capsule before ICReq", raw, &sequence);

    let mut raw = Raw::ready(port, false, false);
    raw.send(ICReq::new(0, false, false, 1).as_bytes());
    terminated(&target, "a second ICReq", raw, &sequence);

    let mut raw = Raw::dial(port);
    let mut request = ICReq::new(0, false, false, 1);
    request.pfv = 1.into();
    raw.send(request.as_bytes());
    terminated(&target, "ICReq with PFV 1", raw, &[Fault::unsupported(8)]);

    let mut raw = Raw::dial(port);
    raw.send(ICReq::new(32, false, false, 1).as_bytes());
    terminated(&target, "ICReq with HPDA 32", raw, &[Fault::field(10)]);

    let mut raw = Raw::dial(port);
    raw.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(raw.fate().is_some(), "another protocol: closed without C2HTermReq");
    drop(raw);
    target.is_well("another protocol");
}

#[test]
fn lies_in_the_common_header() {
    let target = target();
    let port = target.setup().port();
    let keep_alive = Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0);
    let with_data = |raw: &Raw| raw.capsule(Sqe::new(AdminOpcode::SET_FEATURES.0, 0), &[0; 16]);
    let cases: [(&str, usize, u8, Fault); 7] = [
        ("unknown PDU type", 0, 0x0b, Fault::field(0)),
        ("a PDU that only controllers send", 0, 0x09, Fault::field(0)),
        ("HLEN 71", 2, 71, Fault::field(2)),
        ("PLEN below HLEN", 4, 16, Fault::field(4)),
        ("HDGSTF without agreement", 1, 1, Fault::field(1)),
        ("DDGSTF without agreement", 1, 2, Fault::field(1)),
        ("PDO inside the header", 3, 40, Fault::field(3)),
    ];
    for (what, at, value, fault) in cases {
        let mut raw = Raw::ready(port, false, false);
        let mut pdu = if at == 3 || value == 2 { with_data(&raw) } else { raw.capsule(keep_alive, &[]) };
        pdu[at] = value;
        raw.send(&pdu);
        terminated(&target, what, raw, &[fault]);
    }
    let mut raw = Raw::ready(port, false, false);
    let mut pdu = raw.capsule(keep_alive, &[]);
    pdu[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    raw.send(&pdu);
    let limit = Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED);
    terminated(&target, "PLEN FFFFFFFFh", raw, &[Fault::field(4), limit, Fault::field(3)]);
}

#[test]
fn header_digests() {
    let target = target();
    let port = target.setup().port();
    let keep_alive = Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0);
    let mut raw = Raw::ready(port, true, false);
    let mut pdu = raw.capsule(keep_alive, &[]);
    pdu[72] ^= 1;
    let received = u32::from_le_bytes(pdu[72..76].try_into().unwrap());
    raw.send(&pdu);
    terminated(&target, "a wrong header digest", raw, &[Fault::header_digest(received)]);

    let mut raw = Raw::ready(port, true, false);
    let mut pdu = raw.capsule(keep_alive, &[]);
    pdu[1] = 0;
    raw.send(&pdu);
    terminated(&target, "HDGSTF missing", raw, &[Fault::field(1)]);

    let mut raw = Raw::ready(port, true, false);
    let mut pdu = raw.capsule(keep_alive, &[]);
    pdu[4] = 72;
    raw.send(&pdu);
    terminated(&target, "PLEN without room for the digest", raw, &[Fault::field(4)]);
}

/// NVMe/TCP 1.0c 3.5.2: a data digest error is not fatal: the command fails, the connection stays.
#[test]
fn a_wrong_data_digest_fails_the_command_only() {
    let target = target();
    let (admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io_with(&target, cntlid, 1, 16, (false, true));
    let good = [1u8; 512];
    assert!(io.command(write_sqe(5, 1), &good).status().is_success());
    // In the capsule.
    let mut sqe = write_sqe(5, 1);
    sqe.dptr = SglDescriptor::in_capsule(0, 512);
    let cid = io.next_cid();
    sqe.cid = cid.into();
    let mut pdu = io.capsule(sqe, &[2; 512]);
    *pdu.last_mut().unwrap() ^= 1;
    io.send(&pdu);
    status("in the capsule", io.answer(cid).status(), &[Status::TRANSIENT_TRANSPORT_ERROR]);
    // In H2CData.
    let cid = io.start(write_sqe(5, 1), &[], 512);
    let r2t = io.r2t(cid);
    let mut pdu = io.h2c(cid, r2t.ttag.get(), 0, &[3; 512], true);
    *pdu.last_mut().unwrap() ^= 1;
    io.send(&pdu);
    status("in H2CData", io.answer(cid).status(), &[Status::TRANSIENT_TRANSPORT_ERROR]);
    assert_eq!(io.read(read_sqe(5, 1), 512), good, "the medium kept what it had");
    drop((io, admin));
    target.is_well("wrong data digests");
}

#[test]
fn data_that_was_not_asked_for() {
    let target = target();
    let range = Fault::of(Fes::DATA_TRANSFER_OUT_OF_RANGE);
    let limit = Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED);
    // A field that names nothing, or a PDU that may not come now: the standard allows both readings.
    let unknown = [Fault::field(10), Fault::field(8), Fault::of(Fes::PDU_SEQUENCE_ERROR)];

    let (admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    let pdu = io.h2c(0x101, 0, 0, &[0; 512], true);
    io.send(&pdu);
    terminated_beside(&target, "H2CData when there was no R2T", admin, io, &unknown);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let pdu = io.h2c(cid, ttag ^ 0x55, 0, &[0; 8192], true);
    io.send(&pdu);
    terminated_beside(&target, "an unknown transfer tag", admin, io, &unknown);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let pdu = io.h2c(cid ^ 0x77, ttag, 0, &[0; 8192], true);
    io.send(&pdu);
    terminated_beside(&target, "the tag of another command", admin, io, &unknown);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let pdu = io.h2c(cid, ttag, 0, &[7; 8192], true);
    io.send(&pdu);
    assert!(io.answer(cid).status().is_success());
    io.send(&pdu);
    terminated_beside(&target, "data for a command that is over", admin, io, &unknown);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let pdu = io.h2c(cid, ttag, 4096, &[0; 4096], true);
    io.send(&pdu);
    terminated_beside(&target, "the second half first", admin, io, &[range]);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let first = io.h2c(cid, ttag, 0, &[0; 4096], false);
    let again = io.h2c(cid, ttag, 2048, &[0; 4096], false);
    io.send(&[first, again].concat());
    terminated_beside(&target, "overlapping parts", admin, io, &[range]);

    let (admin, mut io, cid, ttag, length) = owing(&target, 8192);
    let pdu = io.h2c(cid, ttag, 0, &vec![0; length as usize + 512], true);
    io.send(&pdu);
    terminated_beside(&target, "more than the R2T asked for", admin, io, &[range, limit]);

    let (admin, mut io, cid, ttag, _) = owing(&target, 128 << 10);
    let pdu = io.h2c(cid, ttag, 0, &vec![0; io.maxh2cdata as usize + 4], true);
    io.send(&pdu);
    terminated_beside(&target, "more than MAXH2CDATA", admin, io, &[limit, range]);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let mut pdu = io.h2c(cid, ttag, 0, &[0; 8192], true);
    pdu[16..20].copy_from_slice(&4096u32.to_le_bytes());
    io.send(&pdu);
    terminated_beside(&target, "DATAL and PLEN differ", admin, io, &[Fault::field(16), Fault::field(4), range, limit]);

    let (admin, mut io, cid, ttag, _) = owing(&target, 8192);
    let first = io.h2c(cid, ttag, 0, &[0; 4096], true);
    io.send(&first);
    terminated_beside(
        &target,
        "LAST_PDU too early",
        admin,
        io,
        &[Fault::field(1), range, Fault::of(Fes::PDU_SEQUENCE_ERROR)],
    );
}

#[test]
fn connect_says_which_parameter_is_wrong() {
    let target = target();
    let port = target.setup().port();
    const SQE: u32 = 0;
    const DATA: u32 = 1 << 16;
    let data = Raw::connect_data(CNTLID_DYNAMIC);
    let connect =
        |command: Connect, data: &wire::fabrics::ConnectData| Raw::ready(port, false, false).connect(command, data);
    let wrong = |what: &str, command: Connect, data: &wire::fabrics::ConnectData, dw0: u32| {
        let answer = connect(command, data);
        status(what, answer.status(), &[Status::CONNECT_INVALID_PARAMETERS]);
        assert_eq!(answer.dw0.get(), dw0, "{what}: which parameter");
        assert!(answer.status().dnr(), "{what}: the same again is wrong again");
        target.is_well(what);
    };
    let admin = Connect::new(0, 32, 0);
    let mut zero = admin;
    zero.sqsize = 0.into();
    wrong("SQSIZE 0", zero, &data, SQE | 44);
    wrong("SQSIZE of 4,096 entries", Connect::new(0, 4096, 0), &data, SQE | 44);
    let mut other = data;
    other.subnqn = Nqn::new("nqn.2026-11.org.example:nobody").unwrap();
    wrong("a subsystem that is not there", admin, &other, DATA | 256);
    let mut other = data;
    other.subnqn.0 = [b'n'; 256];
    wrong("SUBNQN without an end", admin, &other, DATA | 256);
    let mut other = data;
    other.hostnqn.0 = [b'n'; 256];
    wrong("HOSTNQN without an end", admin, &other, DATA | 512);
    wrong("CNTLID of the host's choice", admin, &Raw::connect_data(1), DATA | 16);
    wrong("an I/O queue of no controller", Connect::new(1, 16, 0), &Raw::connect_data(0x1234), DATA | 16);

    let mut format = admin;
    format.recfmt = 7.into();
    status("RECFMT 7", connect(format, &data).status(), &[Status::CONNECT_INCOMPATIBLE_FORMAT]);
    target.is_well("RECFMT 7");

    target.rpc("nvmf_subsystem_allow_any_host", json!({ "nqn": NQN, "allow_any_host": false }));
    status("a host that is not on the list", connect(admin, &data).status(), &[Status::CONNECT_INVALID_HOST]);
    target.rpc("nvmf_subsystem_add_host", json!({ "nqn": NQN, "host": testbed::HOST_NQN }));
    assert!(connect(admin, &data).status().is_success(), "and one that is");
    target.rpc("nvmf_subsystem_allow_any_host", json!({ "nqn": NQN, "allow_any_host": true }));
    target.is_well("a host that was not on the list");
}

#[test]
fn commands_and_queues_out_of_order() {
    let target = target();
    let port = target.setup().port();
    let mut raw = Raw::ready(port, false, false);
    for sqe in [Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0), read_sqe(0, 1)] {
        status("before Connect", raw.command(sqe, &[]).status(), &[Status::COMMAND_SEQUENCE_ERROR]);
    }
    drop(raw);
    target.is_well("commands before Connect");

    let (mut admin, cntlid) = Raw::admin(&target);
    let again = admin.connect(Connect::new(0, 32, 0), &Raw::connect_data(CNTLID_DYNAMIC));
    status("a second Connect", again.status(), &[Status::COMMAND_SEQUENCE_ERROR]);
    let io = Raw::io(&target, cntlid, 1);
    let twice = Raw::ready(port, false, false).connect(Connect::new(1, 16, 0), &Raw::connect_data(cntlid));
    status("QID twice", twice.status(), &[Status::COMMAND_SEQUENCE_ERROR]);
    let beyond = Raw::ready(port, false, false).connect(Connect::new(500, 16, 0), &Raw::connect_data(cntlid));
    status("QID beyond the number of queues", beyond.status(), &[Status::CONNECT_INVALID_PARAMETERS]);
    assert_eq!(beyond.dw0.get(), 42);
    drop((admin, io));
    target.is_well("a second Connect");

    let mut admin = Raw::ready(port, false, false);
    let answer = admin.connect(Connect::new(0, 32, 0), &Raw::connect_data(CNTLID_DYNAMIC));
    let early =
        Raw::ready(port, false, false).connect(Connect::new(1, 16, 0), &Raw::connect_data(answer.dw0.get() as u16));
    status("before CC.EN", early.status(), &[Status::COMMAND_SEQUENCE_ERROR, Status::CONNECT_INVALID_PARAMETERS]);
    let identify = admin.start(Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), &[], 4096);
    status("Identify before CC.EN", admin.answer(identify).status(), &[Status::COMMAND_SEQUENCE_ERROR]);
    drop(admin);
    target.is_well("an I/O queue before CC.EN");
}

#[test]
fn fields_of_io_commands() {
    let target = target();
    let (admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    let blocks = 16 << 11;
    let mut check = |what: &str, sqe: Sqe, data: &[u8], expected: &[Status]| {
        let answer = io.command_as_is(sqe, data);
        status(what, answer.status(), expected);
        assert_eq!(io.read(read_sqe(0, 1), 512).len(), 512, "after {what}");
    };
    let with = |mut sqe: Sqe, dptr: SglDescriptor| {
        sqe.dptr = dptr;
        sqe
    };
    let transport = SglDescriptor::transport;
    let range = [Status::LBA_OUT_OF_RANGE];
    check("a read past the end", with(read_sqe(blocks, 1), transport(512)), &[], &range);
    check("a read across the end", with(read_sqe(blocks - 1, 2), transport(1024)), &[], &range);
    check("a read that wraps round", with(read_sqe(u64::MAX, 2), transport(1024)), &[], &range);
    check("a write past the end", with(write_sqe(blocks, 1), SglDescriptor::in_capsule(0, 512)), &[0; 512], &range);
    check("more than MDTS", with(read_sqe(0, 1024), transport(512 << 10)), &[], &[Status::INVALID_FIELD]);
    for nsid in [0, 2, 77, u32::MAX] {
        let sqe = with(Rw::sqe(NvmOpcode::READ, nsid, 0, 1, 0), transport(512));
        check(&format!("NSID {nsid}"), sqe, &[], &[Status::INVALID_NAMESPACE_OR_FORMAT]);
    }
    check("an unknown opcode", with(Sqe::new(0x7e, 1), transport(0)), &[], &[Status::INVALID_OPCODE]);
    for fuse in [1, 2, 3] {
        let mut sqe = with(read_sqe(0, 1), transport(512));
        sqe.flags |= fuse;
        let expected = [Status::INVALID_FIELD, Status::ABORTED_MISSING_FUSED];
        check(&format!("FUSE {fuse}"), sqe, &[], &expected);
    }
    let length = [Status::DATA_SGL_LENGTH_INVALID];
    check("an SGL shorter than the data", with(read_sqe(0, 2), transport(512)), &[], &length);
    check("in the capsule: shorter", with(write_sqe(0, 2), SglDescriptor::in_capsule(0, 512)), &[0; 512], &length);
    let outside = [Status::DATA_SGL_LENGTH_INVALID, Status::SGL_OFFSET_INVALID];
    check(
        "in the capsule: more than came",
        with(write_sqe(0, 2), SglDescriptor::in_capsule(0, 1024)),
        &[0; 512],
        &outside,
    );
    check(
        "in the capsule: elsewhere",
        with(write_sqe(0, 1), SglDescriptor::in_capsule(4096, 512)),
        &[0; 512],
        &outside,
    );
    let kind = [Status::SGL_DESCRIPTOR_TYPE_INVALID];
    check("a host address", with(read_sqe(0, 1), SglDescriptor::block(0x1000, 512)), &[], &kind);
    check("a keyed block", with(read_sqe(0, 1), SglDescriptor::keyed_block(0x1000, 512, 1, false)), &[], &kind);
    let mut prp = with(read_sqe(0, 1), transport(512));
    prp.flags = 0;
    check("PRPs", prp, &[], &[Status::INVALID_FIELD]);
    drop((io, admin));
    target.is_well("wrong I/O commands");
}

#[test]
fn more_in_the_capsule_than_ioccsz() {
    let target = target();
    let (admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    let cid = io.start(write_sqe(0, 32), &[9; 16 << 10], 0);
    match io.next() {
        Got::Answer(cqe) => {
            assert_eq!(cqe.cid.get(), cid);
            status("16 KiB in the capsule", cqe.status(), &[Status::DATA_SGL_LENGTH_INVALID, Status::INVALID_FIELD]);
        }
        Got::Term(fault) => {
            let allowed = [Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED), Fault::field(4)];
            assert!(allowed.contains(&fault), "{fault:?}");
        }
        other => panic!("{other:?}"),
    }
    drop((io, admin));
    target.is_well("16 KiB in the capsule");
}

#[test]
fn admin_commands_and_abort() {
    let target = target();
    let (mut admin, _) = Raw::admin(&target);
    let itself = Abort { sqid: 0, cid: admin.next_cid() + 1 };
    let answer = admin.command_as_is(itself.sqe(), &[]);
    assert_eq!(itself.cid, answer.cid.get());
    assert!(answer.status().is_success(), "abort of itself: {answer:?}");
    assert_eq!(answer.dw0.get() & 1, 1, "it was not aborted");
    let nothing = admin.command_as_is(Abort { sqid: 7, cid: 3 }.sqe(), &[]);
    assert!(
        nothing.status().is_success() || nothing.status().is(Status::INVALID_FIELD),
        "abort of nothing: {nothing:?}"
    );
    for opcode in [AdminOpcode::CREATE_IO_SQ, AdminOpcode::DELETE_IO_CQ, AdminOpcode::FORMAT_NVM, AdminOpcode(0xc1)] {
        status(
            &format!("{opcode:?}"),
            admin.command_as_is(Sqe::new(opcode.0, 1), &[]).status(),
            &[Status::INVALID_OPCODE],
        );
    }
    drop(admin);
    target.is_well("aborts");
}

/// A device that takes a second for each I/O, behind [`NQN`], keep-alives in steps of 100 ms.
fn slow_target() -> Target {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start();
    target.rpc("nvmf_create_transport", json!({ "trtype": "TCP", "kas": 1, "min_kato": 100 }));
    target.malloc("Malloc0", 16, 512);
    let latency = 1_000_000;
    target.rpc(
        "bdev_delay_create",
        json!({ "name": "Slow0", "base_bdev_name": "Malloc0", "avg_read_latency": 1, "p99_read_latency": 1,
                "avg_write_latency": latency, "p99_write_latency": latency }),
    );
    target.subsystem(NQN, &["Slow0"]);
    target
}

#[test]
fn abort_of_a_command_that_is_in_the_device() {
    let target = slow_target();
    let (mut admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    let begin = Instant::now();
    let cid = io.start(write_sqe(0, 1), &[4; 512], 0);
    // It is on its way: seen by a command after it that is answered at once.
    io.read(read_sqe(9, 1), 512);
    let answer = admin.command_as_is(Abort { sqid: 1, cid }.sqe(), &[]);
    assert!(answer.status().is_success(), "{answer:?}");
    assert_eq!(answer.dw0.get() & 1, 0, "it was aborted");
    status("the aborted command", io.answer(cid).status(), &[Status::ABORTED_BY_REQUEST]);
    assert!(begin.elapsed() < Duration::from_millis(900), "aborted, not waited for");
    drop((io, admin));
    target.is_well("an Abort");
}

#[test]
fn keep_alive_runs_out_with_io_in_flight() {
    let target = slow_target();
    let mut admin = Raw::ready(target.setup().port(), false, false);
    let answer = admin.connect(Connect::new(0, 32, 300), &Raw::connect_data(CNTLID_DYNAMIC));
    assert!(answer.status().is_success(), "{answer:?}");
    admin.enable();
    let mut io = Raw::io(&target, answer.dw0.get() as u16, 1);
    for at in 0..8 {
        io.start(write_sqe(at, 1), &[4; 512], 0);
    }
    let begin = Instant::now();
    admin.fate();
    io.fate();
    assert!(begin.elapsed() < Duration::from_secs(10), "within a few keep-alive time-outs");
    until("its controller is gone", || {
        let left = target.rpc("nvmf_subsystem_get_controllers", json!({ "nqn": NQN }));
        left.as_array().unwrap().is_empty().then_some(())
    });
    target.is_well("a keep-alive time-out");
}

#[test]
fn connections_that_break_off() {
    let target = slow_target();
    let (admin, io, ..) = owing(&target, 64 << 10);
    drop((io, admin));
    target.is_well("a disconnect while an R2T was outstanding");

    let (admin, mut io, cid, ttag, _) = owing(&target, 64 << 10);
    let pdu = io.h2c(cid, ttag, 0, &[1; 64 << 10], true);
    io.send(&pdu[..30_000]);
    drop((io, admin));
    target.is_well("a disconnect in the middle of H2CData");

    let (admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    for at in 0..8 {
        io.start(write_sqe(at, 1), &[4; 512], 0);
    }
    drop((io, admin));
    target.is_well("a disconnect with writes in the device");

    let (mut admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    for at in 0..8 {
        io.start(write_sqe(at, 1), &[4; 512], 0);
    }
    let disable = admin.command_as_is(PropertySet::sqe(Property::CC, 0), &[]);
    assert!(disable.status().is_success(), "{disable:?}");
    io.fate();
    admin.wait_ready(false);
    admin.enable();
    admin.wait_ready(true);
    let mut io = Raw::io(&target, cntlid, 1);
    assert!(io.command(write_sqe(0, 1), &[5; 512]).status().is_success(), "after a controller reset");
    let shutdown = Cc::default().with_en(true).with_iosqes(6).with_iocqes(4).with_shn(Cc::SHN_NORMAL);
    let answer = admin.command_as_is(PropertySet::sqe(Property::CC, u64::from(shutdown.0)), &[]);
    assert!(answer.status().is_success(), "{answer:?}");
    drop((io, admin));
    target.is_well("a controller reset with writes in the device");

    let mut raw = Raw::ready(target.setup().port(), false, false);
    let (pdu, length) = wire::tcp::TermReq::pdu(wire::tcp::Sender::Host, Fault::field(0), &[0; 8]);
    raw.send(&pdu[..length]);
    assert_eq!(raw.fate(), None, "closed without a word");
    drop(raw);
    target.is_well("H2CTermReq");
}

/// SQSIZE bounds what may be outstanding; a host that sends more breaks the standard. The target may answer all of it or
/// end the connection; it may not fall over, and not take more than its share.
#[test]
fn more_commands_than_the_queue_has_entries() {
    let target = slow_target();
    let (admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io_with(&target, cntlid, 1, 4, (false, false));
    for at in 0..64 {
        io.start(write_sqe(at, 1), &[4; 512], 0);
    }
    let (mut answers, mut ended) = (0, false);
    while answers < 64 && !ended {
        match io.next() {
            Got::Answer(_) => answers += 1,
            Got::Term(_) | Got::Closed => ended = true,
            other => panic!("{other:?}"),
        }
    }
    drop((io, admin));
    target.is_well("64 commands on a queue of 4");
}

/// NVMe/TCP leaves the time to the target: here ten seconds. Meanwhile the half connection hinders nobody.
#[test]
fn half_an_icreq_and_then_nothing() {
    let target = target();
    let mut raw = Raw::dial(target.setup().port());
    raw.send(&ICReq::new(0, false, false, 1).as_bytes()[..60]);
    let mut silent = Raw::dial(target.setup().port());
    target.is_well("half an ICReq");
    let begin = Instant::now();
    raw.fate();
    silent.fate();
    assert!(begin.elapsed() < Duration::from_secs(15), "closed after {:?}", begin.elapsed());
    let mut unconnected = Raw::ready(target.setup().port(), false, false);
    target.is_well("a connection without Connect");
    assert!(matches!(unconnected.next_within(Duration::from_millis(1)), Got::Nothing));
}

#[test]
fn peers_that_hold_on_to_buffers_hinder_nobody() {
    let target = target();
    let (_admin, cntlid) = Raw::admin(&target);
    // One that asks for much and takes nothing, one that announces much and sends nothing.
    let mut deaf = Raw::io_with(&target, cntlid, 1, 128, (false, false));
    let mut mute = Raw::io_with(&target, cntlid, 2, 128, (false, false));
    for at in 0..127 {
        deaf.start(read_sqe(at * 8, 256), &[], 128 << 10);
        mute.start(write_sqe(20_000 + at, 256), &[], 128 << 10);
    }
    assert!(matches!(mute.next(), Got::R2t(_)), "it is asked for its data");
    let mut controller = target.connect(NQN, &host::Options::default());
    let mut disk = Disk::open(&mut controller, 1, 1, 32, 128 << 10);
    let what =
        Exercise { first: 4096, blocks: 8192, most: 256, depth: 16, commands: 500, time: Duration::ZERO, seed: 1 };
    let begin = Instant::now();
    exercise(&mut disk, &what);
    assert!(begin.elapsed() < Duration::from_secs(15), "500 commands took {:?}", begin.elapsed());
    drop((disk, deaf, mute, _admin));
    controller.disconnect().unwrap();
    let gone = || (target.qpairs(NQN) == 0).then_some(());
    until_within(Duration::from_secs(45), "the queue pairs are gone", gone);
    target.is_well("peers that hold on to buffers");
}
