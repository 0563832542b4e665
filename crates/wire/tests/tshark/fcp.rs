//! FCP-4 information units.

use crate::capture::{Capture, HOST, TARGET};
use wire::fc::{FCtl, FrameHeader, RCtl, Type};
use wire::fcp::*;

const LUN_5: [u8; 8] = [0, 5, 0, 0, 0, 0, 0, 0];
const READ_10: [u8; 10] = [0x28, 0, 0, 0, 0, 8, 0, 0, 8, 0];
const WRITE_10: [u8; 10] = [0x2a, 0, 0, 0, 0, 8, 0, 0, 2, 0];

/// From the target to the host.
fn back(c: &mut Capture, name: &'static str, r_ctl: RCtl, ox_id: u16, payload: &[u8], meant: &[(&'static str, &str)]) {
    let f_ctl = match r_ctl {
        RCtl::COMMAND_STATUS => FCtl::REPLY,
        RCtl::DATA_DESCRIPTOR => FCtl::REPLY.with_last_sequence(false).with_transfer_initiative(true),
        _ => FCtl::REPLY.with_last_sequence(false).with_relative_offset(true),
    };
    let header = FrameHeader::new(r_ctl, Type::FCP, TARGET, HOST).with_f_ctl(f_ctl).with_exchange(ox_id, ox_id);
    c.fc(name, header, payload, meant);
}

fn there(c: &mut Capture, name: &'static str, ox_id: u16, payload: &[u8], meant: &[(&'static str, &str)]) {
    c.request(name, (RCtl::UNSOLICITED_COMMAND, Type::FCP), TARGET, ox_id, payload, meant);
}

pub fn capture() -> Capture {
    let mut c = Capture::default();
    read(&mut c);
    write(&mut c);
    failures(&mut c);
    long_commands(&mut c);
    c
}

fn read(c: &mut Capture) {
    there(
        c,
        "read",
        0x51,
        &Cmnd::simple(LUN_5, &READ_10, Direction::Read, 4096),
        &[
            ("fcp.lun", "0x05"),
            ("fcp.rddata", "1"),
            ("fcp.wrdata", "0"),
            ("fcp.dl", "4096"),
            ("fcp.taskattr", "0x00"),
            ("fcp.addlcdblen", "0"),
            ("scsi.lun", "0x0005"),
            ("scsi_sbc.opcode", "0x28"),
            ("scsi_sbc.rdwr10.lba", "8"),
            ("scsi_sbc.rdwr10.xferlen", "8"),
        ],
    );
    back(c, "read data", RCtl::SOLICITED_DATA, 0x51, &[7; 512], &[("fc.relative_offset", "0")]);
    back(c, "good", RCtl::COMMAND_STATUS, 0x51, &RspHead::GOOD, &[("fcp.status", "0x00"), ("fcp.rspflags", "0x00")]);
}

fn write(c: &mut Capture) {
    let mut head = *Cmnd::parse(&Cmnd::simple(LUN_5, &WRITE_10, Direction::Write, 1024)).unwrap().head;
    (head.crn, head.attribute) = (9, TaskAttribute::ORDERED.0);
    let mut out = [0; MAX_CMND_BYTES];
    let length =
        Cmnd { head: &head, additional_cdb: &[], data_length: 1024, read_length: None }.write(&mut out).unwrap();
    there(
        c,
        "write",
        0x52,
        &out[..length],
        &[
            ("fcp.crn", "9"),
            ("fcp.taskattr", "0x02"),
            ("fcp.wrdata", "1"),
            ("fcp.rddata", "0"),
            ("fcp.dl", "1024"),
            ("scsi_sbc.opcode", "0x2a"),
        ],
    );
    back(
        c,
        "XFER_RDY",
        RCtl::DATA_DESCRIPTOR,
        0x52,
        &XferRdy::new(512, 256).to_bytes(),
        &[("fcp.data_ro", "512"), ("fcp.burstlen", "256")],
    );
    let rsp = Rsp { confirm: true, residual: Residual::Over(64), ..Rsp::default() };
    let mut out = [0; 64];
    let length = rsp.write(&mut out).unwrap();
    back(
        c,
        "overrun",
        RCtl::COMMAND_STATUS,
        0x52,
        &out[..length],
        &[
            ("fcp.rsp.flags.resid_over", "1"),
            ("fcp.rsp.flags.resid_under", "0"),
            ("fcp.rsp.flags.conf_req", "1"),
            ("fcp.resid", "64"),
        ],
    );
}

fn failures(c: &mut Capture) {
    there(c, "failing read", 0x53, &Cmnd::simple(LUN_5, &READ_10, Direction::Read, 4096), &[("fcp.dl", "4096")]);
    let mut sense = [0; 18];
    (sense[0], sense[2], sense[7], sense[12], sense[13]) = (0x70, 0x05, 10, 0x21, 0x00);
    let rsp = Rsp { status: 2, residual: Residual::Under(4096), sense: &sense, ..Rsp::default() };
    let mut out = [0; 64];
    let length = rsp.write(&mut out).unwrap();
    back(
        c,
        "check condition",
        RCtl::COMMAND_STATUS,
        0x53,
        &out[..length],
        &[
            ("fcp.status", "0x02"),
            ("fcp.rsp.flags.sns_vld", "1"),
            ("fcp.rsp.flags.res_vld", "0"),
            ("fcp.rsp.flags.resid_under", "1"),
            ("fcp.resid", "4096"),
            ("fcp.snslen", "18"),
            ("scsi.sns.key", "0x05"),
            ("scsi.sns.ascascq", "0x2100"),
        ],
    );
    let reset = TaskManagement::NONE.with_lun_reset(true);
    there(
        c,
        "LUN reset",
        0x54,
        &Cmnd::task_management(LUN_5, reset),
        &[("fcp.taskmgmt", "0x10"), ("fcp.mgmt.flags.lu_reset", "1"), ("fcp.mgmt.flags.abort_task_set", "0")],
    );
    let length = Rsp::task_management(RspCode::REJECTED).write(&mut out).unwrap();
    back(
        c,
        "function rejected",
        RCtl::COMMAND_STATUS,
        0x54,
        &out[..length],
        &[("fcp.rsplen", "8"), ("fcp.rspcode", "0x04")],
    );
}

fn long_commands(c: &mut Capture) {
    let head = *Cmnd::parse(&Cmnd::simple(LUN_5, &READ_10, Direction::None, 0)).unwrap().head;
    let both = CmndHead { lengths: 3, ..head };
    let mut out = [0; MAX_CMND_BYTES];
    let two_lengths = Cmnd { head: &both, additional_cdb: &[], data_length: 512, read_length: Some(1024) };
    let length = two_lengths.write(&mut out).unwrap();
    let meant = [("fcp.rddata", "1"), ("fcp.wrdata", "1"), ("fcp.dl", "512"), ("fcp.bidir_dl", "1024")];
    there(c, "bidirectional", 0x55, &out[..length], &meant);
    let long = Cmnd { head: &head, additional_cdb: &[1; 16], data_length: 512, read_length: None };
    let length = long.write(&mut out).unwrap();
    // tshark 4.0 looks for FCP_DL behind 16 bytes of CDB whatever the additional length is.
    there(c, "long CDB", 0x56, &out[..length], &[("fcp.addlcdblen", "4"), ("fcp.rddata", "0")]);
}
