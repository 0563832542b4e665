//! From frames to a disk in RAM and back: an initiator's node, a ring of frames, the target's node, its lane, the SCSI core. All on
//! this thread, in virtual time. And what a core does for I/O neither allocates
//! nor frees.

mod rig;

use fc::Fc4;
use rig::{End, MS, Rig, pattern};
use wire::fcp::{Cmnd, Direction, RspCode, TaskManagement};

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;

fn lun(number: u8) -> [u8; 8] {
    [0, number, 0, 0, 0, 0, 0, 0]
}

fn rw(opcode: u8, block: u8, blocks: u16) -> [u8; 10] {
    let [high, low] = blocks.to_be_bytes();
    [opcode, 0, 0, 0, 0, block, 0, high, low, 0]
}

#[test]
fn what_is_written_is_read() {
    let mut rig = Rig::new();
    for (round, blocks) in [1, 7, 8, 64, 255, 2048].into_iter().enumerate() {
        let bytes = u32::from(blocks) * 512;
        let wanted = pattern(round as u8, bytes as usize);
        let write = Cmnd::simple(lun(0), &rw(0x2a, 3, blocks), Direction::Write, bytes);
        rig.command(&write, Some(&wanted), 0).expect_good();
        let read = Cmnd::simple(lun(0), &rw(0x28, 3, blocks), Direction::Read, bytes);
        let end = rig.command(&read, None, bytes);
        end.expect_good();
        assert!(end.data == wanted, "{blocks} blocks");
    }
    rig.assert_empty();
}

#[test]
fn a_long_answer_is_cut_and_a_short_one_told() {
    let mut rig = Rig::new();
    let inquiry = [0x12, 0, 0, 0, 255, 0];
    let end = rig.command(&Cmnd::simple(lun(0), &inquiry, Direction::Read, 255), None, 255);
    assert!(end.status == 0 && matches!(end.residual, wire::fcp::Residual::Under(_)), "{end:?}");
    assert_eq!((&end.data[8..16], end.data[0]), (b"QFC     ".as_slice(), 0));
    // FCP_DL says less than the command moves.
    let end = rig.command(&Cmnd::simple(lun(0), &rw(0x28, 0, 2), Direction::Read, 512), None, 512);
    assert_eq!((end.residual, end.data.len()), (wire::fcp::Residual::Over(512), 512));
    rig.assert_empty();
}

#[test]
fn functions_and_what_is_no_command_have_their_codes() {
    let mut rig = Rig::new();
    let reset = TaskManagement::NONE.with_lun_reset(true);
    assert_eq!(rig.command(&Cmnd::task_management(lun(0), reset), None, 0).code, Some(RspCode::COMPLETE));
    assert_eq!(rig.command(&Cmnd::task_management(lun(9), reset), None, 0).code, Some(RspCode::INCORRECT_LUN));
    let ready = Cmnd::simple(lun(0), &[0; 6], Direction::None, 0);
    let end = rig.command(&ready, None, 0);
    assert_eq!((end.status, end.sense[2] & 0xf, end.sense[12]), (2, 6, 0x29), "the reset is told");
    rig.command(&ready, None, 0).expect_good();
    let mut both = Cmnd::simple(lun(0), &[0; 6], Direction::Read, 0);
    both[11] = 3;
    assert_eq!(rig.command(&both, None, 0).code, Some(RspCode::INVALID_FIELDS));
    assert_eq!(rig.command(&ready[..20], None, 0).code, Some(RspCode::INVALID_FIELDS));
    rig.assert_empty();
}

#[test]
fn an_abort_and_a_logout_leave_nothing() {
    let mut rig = Rig::new();
    let read = Cmnd::simple(lun(0), &rw(0x28, 0, 255), Direction::Read, 255 * 512);
    for turns in 0..24 {
        let context = rig.start(&read, None, 255 * 512);
        (0..turns).for_each(|_| rig.turn());
        rig.abort(context);
        rig.until_ended(context);
        rig.run(5);
        rig.assert_empty();
    }
    rig.start(&read, None, 255 * 512);
    (0..6).for_each(|_| rig.turn());
    rig.logout();
    rig.run(50);
    rig.assert_empty();
    assert_eq!(rig.nexuses(), 0);
    rig.login(Fc4::Fcp);
    let ready = Cmnd::simple(lun(0), &[0; 6], Direction::None, 0);
    assert_eq!(rig.command(&ready, None, 0).status, 2, "a new nexus is told of it");
    rig.command(&ready, None, 0).expect_good();
}

#[test]
fn a_link_that_goes_takes_the_session_along() {
    let mut rig = Rig::new();
    rig.start(&Cmnd::simple(lun(0), &rw(0x28, 0, 255), Direction::Read, 255 * 512), None, 255 * 512);
    (0..6).for_each(|_| rig.turn());
    rig.set_link(false);
    rig.run(200);
    rig.assert_empty();
    assert_eq!(rig.nexuses(), 0);
    rig.set_link(true);
    rig.run(2_000);
    rig.login(Fc4::Fcp);
    let ready = Cmnd::simple(lun(0), &[0; 6], Direction::None, 0);
    rig.command(&ready, None, 0);
    rig.command(&ready, None, 0).expect_good();
}

#[test]
fn a_core_neither_allocates_nor_frees() {
    let mut rig = Rig::new();
    let round = |rig: &mut Rig| {
        for blocks in [1, 8, 64, 255] {
            let bytes = u32::from(blocks) * 512;
            let wanted = pattern(blocks as u8, bytes as usize);
            let write = Cmnd::simple(lun(0), &rw(0x2a, 0, blocks), Direction::Write, bytes);
            rig.command(&write, Some(&wanted), 0).expect_good();
            let read = Cmnd::simple(lun(0), &rw(0x28, 0, blocks), Direction::Read, bytes);
            assert!(rig.command(&read, None, bytes).data == wanted);
            rig.command(&Cmnd::simple(lun(0), &[0; 6], Direction::None, 0), None, 0).expect_good();
            let context = rig.start(&read, None, bytes);
            (0..3).for_each(|_| rig.turn());
            rig.abort(context);
            rig.until_ended(context);
        }
    };
    round(&mut rig);
    rig.watch_core = true;
    (0..8).for_each(|_| round(&mut rig));
    rig.assert_empty();
}

impl End {
    #[track_caller]
    fn expect_good(&self) {
        let good = self.status == 0 && self.code.is_none() && self.residual == wire::fcp::Residual::None;
        assert!(good, "{:?}", (self.status, self.code, self.residual, &self.sense));
    }
}

#[test]
fn it_takes_the_time_that_frames_take() {
    let mut rig = Rig::new();
    let before = rig.now;
    rig.command(&Cmnd::simple(lun(0), &[0; 6], Direction::None, 0), None, 0).expect_good();
    assert!(rig.now - before < 10 * MS, "no time-out was needed");
}
