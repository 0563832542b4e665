//! Identify Controller (CNS 01h; Base 2.0c 5.17.2.1, with the fields that 2.1 added) and the NVM command set's part of it (CNS 06h,
//! CSI 00h; NVM 1.0c 4.1.5).

use crate::fabrics::Nqn;
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Identify Controller. Start from `Controller::new_zeroed()`. Reserved fields are named by their offset.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
#[expect(missing_docs, reason = "the names are the standard's, and its text on each is the documentation")]
pub struct Controller {
    pub vid: U16,
    pub ssvid: U16,
    /// Serial number, [`crate::padded`].
    pub sn: [u8; 20],
    /// Model number, [`crate::padded`].
    pub mn: [u8; 40],
    /// Firmware revision, [`crate::padded`].
    pub fr: [u8; 8],
    pub rab: u8,
    pub ieee: [u8; 3],
    pub cmic: u8,
    /// Maximum data transfer size: 2^this pages of CAP.MPSMIN; 0 for no limit.
    pub mdts: u8,
    pub cntlid: U16,
    pub ver: U32,
    /// Microseconds.
    pub rtd3r: U32,
    /// Microseconds.
    pub rtd3e: U32,
    pub oaes: U32,
    pub ctratt: U32,
    pub rrls: U16,
    pub bpcap: u8,
    pub rsvd103: u8,
    pub nssl: U32,
    pub rsvd108: [u8; 2],
    pub plsi: u8,
    /// 1 I/O, 2 discovery, 3 administrative: see [`super::bits`].
    pub cntrltype: u8,
    pub fguid: [u8; 16],
    /// Command retry delays 1 to 3, in units of 100 ms.
    pub crdt: [U16; 3],
    pub crcap: u8,
    pub rsvd135: [u8; 118],
    pub nvmsr: u8,
    pub vwci: u8,
    pub mec: u8,
    pub oacs: U16,
    /// Abort command limit, zero-based.
    pub acl: u8,
    /// Asynchronous event request limit, zero-based.
    pub aerl: u8,
    pub frmw: u8,
    pub lpa: u8,
    /// Error log page entries, zero-based.
    pub elpe: u8,
    /// Power states, zero-based.
    pub npss: u8,
    pub avscc: u8,
    pub apsta: u8,
    /// Kelvin.
    pub wctemp: U16,
    /// Kelvin.
    pub cctemp: U16,
    pub mtfa: U16,
    pub hmpre: U32,
    pub hmmin: U32,
    /// Bytes.
    pub tnvmcap: [u8; 16],
    /// Bytes.
    pub unvmcap: [u8; 16],
    pub rpmbs: U32,
    pub edstt: U16,
    pub dsto: u8,
    pub fwug: u8,
    /// Granularity of the keep alive timer in units of 100 ms; 0 for none.
    pub kas: U16,
    pub hctma: U16,
    pub mntmt: U16,
    pub mxtmt: U16,
    pub sanicap: U32,
    pub hmminds: U32,
    pub hmmaxd: U16,
    pub nsetidmax: U16,
    pub endgidmax: U16,
    /// Seconds.
    pub anatt: u8,
    pub anacap: u8,
    pub anagrpmax: U32,
    pub nanagrpid: U32,
    pub pels: U32,
    pub domainid: U16,
    pub kpioc: u8,
    pub rsvd359: u8,
    pub mptfawr: U16,
    pub rsvd362: [u8; 6],
    pub megcap: [u8; 16],
    pub tmpthha: u8,
    pub rsvd385: u8,
    pub cqt: U16,
    pub rsvd388: [u8; 124],
    /// Submission queue entry sizes as powers of two: required in 3:0, maximum in 7:4 (66h).
    pub sqes: u8,
    /// Completion queue entry sizes, likewise (44h).
    pub cqes: u8,
    /// Commands at once on one queue.
    pub maxcmd: U16,
    /// Highest valid NSID.
    pub nn: U32,
    pub oncs: U16,
    pub fuses: U16,
    pub fna: u8,
    pub vwc: u8,
    /// Zero-based logical blocks.
    pub awun: U16,
    /// Zero-based logical blocks.
    pub awupf: U16,
    pub icsvscc: u8,
    pub nwpc: u8,
    /// Zero-based logical blocks.
    pub acwu: U16,
    pub ocfs: U16,
    pub sgls: U32,
    pub mnan: U32,
    pub maxdna: [u8; 16],
    pub maxcna: U32,
    pub oaqd: U32,
    pub rhiri: u8,
    pub hirt: u8,
    pub cmmrtd: U16,
    pub nmmrtd: U16,
    pub minmrtg: u8,
    pub maxmrtg: u8,
    pub trattr: u8,
    pub rsvd577: u8,
    pub mcudmq: U16,
    pub mnsudmq: U16,
    pub mcmr: U16,
    pub nmcmr: U16,
    pub mcdqpc: U16,
    pub rsvd588: [u8; 180],
    pub subnqn: Nqn,
    pub rsvd1024: [u8; 768],
    /// I/O command capsule size in units of 16 bytes: 4 and the in-capsule data.
    pub ioccsz: U32,
    /// I/O response capsule size in units of 16 bytes: 1.
    pub iorcsz: U32,
    /// In-capsule data offset in units of 16 bytes; 0 over TCP.
    pub icdoff: U16,
    /// Fabrics controller attributes: bit 0 set for the static controller model.
    pub fcatt: u8,
    /// SGL data block descriptors in a capsule.
    pub msdbd: u8,
    /// Optional fabrics commands: bit 0 Disconnect.
    pub ofcs: U16,
    /// Discovery controller type: 1 DDC, 2 CDC.
    pub dctype: u8,
    pub rsvd1807: [u8; 241],
    pub psd: [PowerState; 32],
    pub vs: [u8; 1024],
}
assert_size!(Controller = 4096);
assert_offset!(Controller:
    sn = 4, mn = 24, fr = 64, rab = 72, ieee = 73, cmic = 76, mdts = 77, cntlid = 78, ver = 80, rtd3r = 84, oaes = 92,
    ctratt = 96, rrls = 100, cntrltype = 111, fguid = 112, crdt = 128, nvmsr = 253, oacs = 256, acl = 258, aerl = 259,
    frmw = 260, lpa = 261, elpe = 262, npss = 263, wctemp = 266, hmpre = 272, tnvmcap = 280, rpmbs = 312, kas = 320,
    sanicap = 328, anatt = 342, anacap = 343, anagrpmax = 344, nanagrpid = 348, pels = 352, domainid = 356, megcap = 368,
    cqt = 386, sqes = 512, cqes = 513, maxcmd = 514, nn = 516, oncs = 520, fuses = 522, fna = 524, vwc = 525, awun = 526,
    awupf = 528, nwpc = 531, acwu = 532, ocfs = 534, sgls = 536, mnan = 540, subnqn = 768, ioccsz = 1792, iorcsz = 1796,
    icdoff = 1800, fcatt = 1802, msdbd = 1803, ofcs = 1804, dctype = 1806, psd = 2048, vs = 3072,
);

/// Power state descriptor: 32 bytes (Base 2.0c 5.17.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PowerState {
    /// Maximum power, in 0.01 W (or 0.0001 W when bit 0 of `flags` is set).
    pub mp: U16,
    /// Reserved.
    pub rsvd2: u8,
    /// Bit 0: power scale; bit 1: non-operational.
    pub flags: u8,
    /// Entry latency in microseconds.
    pub enlat: U32,
    /// Exit latency in microseconds.
    pub exlat: U32,
    /// Relative read throughput.
    pub rrt: u8,
    /// Relative read latency.
    pub rrl: u8,
    /// Relative write throughput.
    pub rwt: u8,
    /// Relative write latency.
    pub rwl: u8,
    /// Idle and active power, emergency power fail times.
    pub rest: [u8; 16],
}
assert_size!(PowerState = 32);

/// I/O Command Set specific Identify Controller, NVM Command Set. Sizes are powers of two in units of CAP.MPSMIN; 0 for
/// "no limit is reported".
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ControllerNvm {
    /// Verify size limit.
    pub vsl: u8,
    /// Write Zeroes size limit.
    pub wzsl: u8,
    /// Write Uncorrectable size limit.
    pub wusl: u8,
    /// Dataset management ranges limit (a count).
    pub dmrl: u8,
    /// Dataset management range size limit, in logical blocks.
    pub dmrsl: U32,
    /// Dataset management size limit, in logical blocks over all ranges.
    pub dmsl: U64,
    /// Key per I/O capabilities (NVM 1.1).
    pub kpiocap: u8,
    /// Write Zeroes with Deallocate size limit (NVM 1.1).
    pub wzdsl: u8,
    /// Admin optional command support (NVM 1.1).
    pub aocs: U16,
    /// Version of the NVM Command Set (NVM 1.1).
    pub ver: U32,
    /// LBA migration queue format (NVM 1.1).
    pub lbamqf: u8,
    /// Reserved.
    pub rsvd25: [u8; 4071],
}
assert_size!(ControllerNvm = 4096);
assert_offset!(ControllerNvm: dmrsl = 4, dmsl = 8, ver = 20);

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    #[test]
    fn golden_fields() {
        let mut c = Controller::new_zeroed();
        c.sn = crate::padded("QFC0001");
        c.fr = crate::padded("0.1");
        c.mdts = 5;
        c.cntlid = U16::new(0x0102);
        c.sqes = 0x66;
        c.nn = U32::new(1024);
        c.subnqn = Nqn::new(crate::fabrics::DISCOVERY_NQN).unwrap();
        c.ioccsz = U32::new(4 + 8192 / 16);
        c.psd[1].mp = U16::new(2500);
        let b = c.as_bytes();
        assert_eq!(&b[4..24], b"QFC0001             ");
        assert_eq!(&b[64..72], b"0.1     ");
        assert_eq!(&b[77..80], &[5, 2, 1]);
        assert_eq!((b[512], &b[516..520]), (0x66, &[0, 4, 0, 0][..]));
        assert_eq!(&b[768..772], b"nqn.");
        assert_eq!(&b[1792..1796], &[0x04, 0x02, 0, 0]);
        assert_eq!(&b[2080..2082], &[0xc4, 0x09]);
        let back: &Controller = crate::parse(b).unwrap();
        assert_eq!(crate::unpadded(&back.sn), Some("QFC0001"));
    }

    #[test]
    fn nvm_part() {
        let mut c = ControllerNvm::new_zeroed();
        c.wzsl = 9;
        c.dmrl = 255;
        c.dmrsl = U32::new(0x1234_5678);
        c.dmsl = U64::new(1);
        assert_eq!(&c.as_bytes()[..16], &[0, 9, 0, 255, 0x78, 0x56, 0x34, 0x12, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
}
