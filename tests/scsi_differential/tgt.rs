//! Debian's user-space target (package `tgt`) beside ours: the same commands, the same answers, except where the standard lets
//! targets differ.

use crate::script::{self, BLOCK, Give, Step};
use crate::side::{MIB, Side, iscsi_target};
use crate::{answer::Answer, answers};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use testbed::{free_port, until};

const NODE: &str = "iqn.2026-11.org.example:tgt";

/// Where the two may differ: which commands, in what, and why.
struct Excuse {
    /// Operation codes; none: all.
    opcodes: &'static [u8],
    /// What the difference begins with.
    begins: &'static str,
    /// What it ends with.
    ends: &'static str,
    why: &'static str,
}

const fn excuse(opcodes: &'static [u8], begins: &'static str, ends: &'static str, why: &'static str) -> Excuse {
    Excuse { opcodes, begins, ends, why }
}

const GOOD: &str = "status 00";
const ILLEGAL: &str = "status 02 5/";
const IN_CDB: &str = "tgt: status 02 5/2400";
const RANGE: &str = "tgt: status 02 5/2100";
const VERIFY: &[u8] = &[0x2f, 0xaf, 0x8f];

/// The first that fits is taken.
const EXCUSES: &[Excuse] = &[
    excuse(&[], "", "tgt: status 02 5/2000", "tgt has not the command, and it is optional (SPC-4 6.1, SBC-3 5.1)"),
    excuse(&[0x04], "status 02 5/2000", "tgt: status 00", "FORMAT UNIT is tgt's"),
    excuse(&[0x12], GOOD, IN_CDB, "VPD pages 86h, 87h, 8Fh and B3h are optional (SPC-4 7.8.1)"),
    excuse(&[0x1a, 0x5a], GOOD, IN_CDB, "which pages there are is the target's (SPC-4 7.5.6)"),
    excuse(&[0x1a], ILLEGAL, "tgt: status 00", "page 00h is vendor specific (SPC-4 7.5.6)"),
    excuse(&[0xa0], ILLEGAL, "tgt: status 00", "tgt takes SELECT REPORT codes that are reserved (SPC-4 6.33)"),
    excuse(&[0xa3], GOOD, IN_CDB, "tgt knows fewer options (SPC-4 6.34), and refuses what SUPPORT 001b is for"),
    excuse(
        &[0x28, 0xa8, 0x88, 0x2a, 0xaa, 0x8a, 0x2e, 0x8e, 0x34, 0x90, 0x2f, 0xaf, 0x8f],
        GOOD,
        RANGE,
        "no blocks at the end of the medium are not beyond it (SBC-3 5.7: address plus length exceeds the capacity)",
    ),
    excuse(VERIFY, ILLEGAL, "tgt: status 00", "tgt does not look at range, VRPROTECT and BYTCHK 10b (SBC-3 5.29)"),
    excuse(VERIFY, "status 02 e/1d00", "tgt: status 00", "tgt does not compare with BYTCHK 11b (SBC-3 5.29)"),
    excuse(VERIFY, "residual", "tgt: 0", "tgt tells no residual of data that it did not want (RFC 7143 11.4.5.1)"),
    excuse(&[0x28], "residual 512", "tgt: 0", "tgt tells no overflow where nothing was expected (RFC 7143 11.4.5.1)"),
    excuse(&[0x5f], "residual", "tgt: 0", "tgt tells no residual of data that it did not want (RFC 7143 11.4.5.1)"),
    excuse(&[0x35, 0x91], ILLEGAL, "tgt: status 00", "tgt does not look at the range (SBC-3 5.26)"),
    excuse(&[0x41, 0x93], GOOD, IN_CDB, "UNMAP and NDOB are for thin logical units, and tgt's is not (SBC-3 5.45)"),
    excuse(&[0x93], GOOD, "tgt: status 02 3/1100", "tgt fails at NDOB"),
    excuse(&[0x93], ILLEGAL, IN_CDB, "of two errors either may be told first (SAM-5 5.13)"),
    excuse(&[0x5f], ILLEGAL, "tgt: status 00", "tgt releases with types that are reserved (SPC-4 6.16.3)"),
    excuse(
        &[0x1b, 0x1e],
        ILLEGAL,
        "tgt: status 00",
        "tgt ejects what is not removable, and knows obsolete PREVENT codes",
    ),
    excuse(&[0x88], "data of", "", "what was written by commands that tgt has not"),
];

/// A tgtd of our own, with one disk; ended by its process id.
struct Tgt {
    child: Child,
    control: u16,
    port: u16,
    dir: tempfile::TempDir,
}

impl Drop for Tgt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tgt {
    /// `None`: the package is not there, or this user may not run it.
    fn start() -> Option<Self> {
        static CONTROL: AtomicU16 = AtomicU16::new(0);
        // Its control sockets are numbered for the whole machine.
        let control = 1000 + (std::process::id() % 30_000) as u16 + CONTROL.fetch_add(1, Ordering::Relaxed);
        let (port, dir) = (free_port(), tempfile::tempdir().ok()?);
        let log = std::fs::File::create(dir.path().join("log")).ok()?;
        let mut command = Command::new("/usr/sbin/tgtd");
        command.args(["-f", "--iscsi", &format!("portal=127.0.0.1:{port}"), "--control-port", &control.to_string()]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().ok()?;
        let mut tgt = Self { child, control, port, dir };
        let up = until("tgtd answers or ends", || {
            let ended = tgt.child.try_wait().ok()?.is_some();
            let answers = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            (ended || answers).then_some(!ended)
        });
        (up && tgt.configure()).then_some(tgt)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    fn configure(&self) -> bool {
        let image = self.image();
        let made = std::fs::File::create(&image).and_then(|file| file.set_len(MIB << 20));
        let image = image.to_str().expect("a path in UTF-8");
        made.is_ok()
            && self.admin(&["--op", "new", "--mode", "target", "--tid", "1", "-T", NODE])
            && self.admin(&["--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", image])
            && self.admin(&["--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL"])
    }

    fn admin(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("/usr/sbin/tgtadm");
        command.args(["--control-port", &self.control.to_string(), "--lld", "iscsi"]).args(arguments);
        command.status().is_ok_and(|status| status.success())
    }
}

/// What both must agree in.
fn difference(step: &Step, ours: &Answer, theirs: &Answer) -> Option<String> {
    if (ours.status, ours.sense) != (theirs.status, theirs.sense) {
        return Some(format!("{}, tgt: {}", ours.short(), theirs.short()));
    }
    let is_read = matches!(step.cdb[0], 0x08 | 0x28 | 0x88 | 0xa8);
    if is_read && ours.data != theirs.data {
        return Some(crate::answer::first_difference(&ours.data, &theirs.data));
    }
    let moves = matches!(step.give, Give::Out(_)) || is_read;
    (moves && ours.residual != theirs.residual).then(|| format!("residual {}, tgt: {}", ours.residual, theirs.residual))
}

#[test]
fn tgt_answers_the_same_but_where_it_may_differ() {
    let Some(tgt) = Tgt::start() else {
        println!("skipped: tgtd is not there or may not run; scripts/test-tools.sh installs it, root runs it");
        return;
    };
    let (mut ours, mut theirs) = (iscsi_target(), Side::iscsi(tgt.port, NODE, 1));
    let steps = script::steps((MIB << 20) / BLOCK as u64);
    let our = answers(&mut ours, &steps);
    theirs.settle();
    let mut used = vec![false; EXCUSES.len()];
    let (mut found, mut broken) = (Vec::new(), 0);
    for (step, ours) in steps.iter().zip(&our) {
        let Ok(theirs) = &theirs.run(step) else {
            // It broke the rules of iSCSI, which our initiator does not suffer: the session is gone.
            broken += 1;
            theirs = Side::iscsi(tgt.port, NODE, 1);
            theirs.settle();
            continue;
        };
        let Some(why) = difference(step, ours, theirs) else { continue };
        let fits = |excuse: &Excuse| {
            let meant = excuse.opcodes.is_empty() || excuse.opcodes.contains(&step.cdb[0]);
            meant && why.starts_with(excuse.begins) && why.ends_with(excuse.ends)
        };
        let excuse = EXCUSES.iter().position(fits);
        match excuse {
            Some(at) => used[at] = true,
            None => found.push(format!("{}: {why}", step.name)),
        }
    }
    assert!(broken * 10 < steps.len(), "{broken} of {} commands broke the session with tgt", steps.len());
    let stale: Vec<&str> =
        EXCUSES.iter().zip(&used).filter(|(_, used)| !**used).map(|(excuse, _)| excuse.why).collect();
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), steps.len(), found.join("\n"));
    assert!(stale.is_empty(), "nothing needs these excuses any more: {stale:?}");
}
