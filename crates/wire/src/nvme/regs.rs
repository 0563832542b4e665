//! Controller properties. NVMe Base 2.0c 3.1.3. Over Fabrics they are read and written by Property
//! Get and Property Set.

open_enum! {
    /// Property offsets (Base 2.0c 3.1.3).
    pub enum Property: u32 {
        /// Controller Capabilities, 8 bytes.
        CAP = 0x00,
        /// Version, 4 bytes.
        VS = 0x08,
        /// Interrupt Mask Set (not over Fabrics).
        INTMS = 0x0c,
        /// Interrupt Mask Clear (not over Fabrics).
        INTMC = 0x10,
        /// Controller Configuration, 4 bytes.
        CC = 0x14,
        /// Controller Status, 4 bytes.
        CSTS = 0x1c,
        /// NVM Subsystem Reset, 4 bytes; optional.
        NSSR = 0x20,
        /// Admin Queue Attributes (not over Fabrics).
        AQA = 0x24,
        /// Admin Submission Queue base (not over Fabrics).
        ASQ = 0x28,
        /// Admin Completion Queue base (not over Fabrics).
        ACQ = 0x30,
        /// Controller Ready Timeouts, 4 bytes.
        CRTO = 0x68,
    }
}

impl Property {
    /// Bytes of the property (4 or 8), for the known ones.
    pub const fn bytes(self) -> Option<u8> {
        match self {
            Self::CAP | Self::ASQ | Self::ACQ => Some(8),
            Self::VS | Self::INTMS | Self::INTMC | Self::CC | Self::CSTS | Self::NSSR | Self::AQA | Self::CRTO => {
                Some(4)
            }
            _ => None,
        }
    }
}

bitfield! {
    /// Controller Capabilities (Base 2.0c 3.1.3.1).
    pub struct Cap(u64) {
        flags {
            /// Contiguous Queues Required; 1 over Fabrics.
            cqr, with_cqr = 16;
            /// NVM Subsystem Reset Supported.
            nssrs, with_nssrs = 36;
            /// Command sets: NVM (CSS bit 0 of the field).
            css_nvm, with_css_nvm = 37;
            /// Command sets: one or more I/O command sets, chosen by CC.CSS = 110b (CSS bit 6).
            css_iocs, with_css_iocs = 43;
            /// Command sets: none, admin only (CSS bit 7).
            css_none, with_css_none = 44;
            /// Boot Partition Support.
            bps, with_bps = 45;
            /// Persistent Memory Region Supported.
            pmrs, with_pmrs = 56;
            /// Controller Memory Buffer Supported.
            cmbs, with_cmbs = 57;
            /// NVM Subsystem Shutdown Supported.
            nsss, with_nsss = 58;
            /// Controller Ready With Media Supported (CRMS bit 0).
            crwms, with_crwms = 59;
            /// Controller Ready Independent of Media Supported (CRMS bit 1).
            crims, with_crims = 60;
        }
        fields {
            /// Maximum Queue Entries Supported, zero-based.
            mqes_z, with_mqes_z: u16 = 0, 16;
            /// Arbitration Mechanism Supported.
            ams, with_ams: u8 = 17, 2;
            /// Timeout in units of 500 ms for CSTS.RDY to change.
            to, with_to: u8 = 24, 8;
            /// Doorbell stride; 0 over Fabrics.
            dstrd, with_dstrd: u8 = 32, 4;
            /// All command set bits.
            css, with_css: u8 = 37, 8;
            /// Controller Power Scope.
            cps, with_cps: u8 = 46, 2;
            /// Memory Page Size Minimum: 2^(12 + this) bytes. MDTS is in units of it, over Fabrics as well.
            mpsmin, with_mpsmin: u8 = 48, 4;
            /// Memory Page Size Maximum: 2^(12 + this) bytes.
            mpsmax, with_mpsmax: u8 = 52, 4;
        }
    }
}

bitfield! {
    /// Version (Base 2.0c 3.1.3.2).
    pub struct Vs(u32) {
        flags {}
        fields {
            /// Tertiary version.
            ter, with_ter: u8 = 0, 8;
            /// Minor version.
            mnr, with_mnr: u8 = 8, 8;
            /// Major version.
            mjr, with_mjr: u16 = 16, 16;
        }
    }
}

impl Vs {
    /// NVMe 1.3.
    pub const V1_3: Self = Self(0x0001_0300);
    /// NVMe 1.4.
    pub const V1_4: Self = Self(0x0001_0400);
    /// NVMe 2.0.
    pub const V2_0: Self = Self(0x0002_0000);
    /// NVMe 2.1.
    pub const V2_1: Self = Self(0x0002_0100);
}

bitfield! {
    /// Controller Configuration (Base 2.0c 3.1.3.5).
    pub struct Cc(u32) {
        flags {
            /// Enable.
            en, with_en = 0;
            /// Controller Ready Independent of Media Enable.
            crime, with_crime = 24;
        }
        fields {
            /// I/O Command Set Selected: [`Cc::CSS_NVM`], [`Cc::CSS_ALL`] or [`Cc::CSS_NONE`].
            css, with_css: u8 = 4, 3;
            /// Memory Page Size: 2^(12 + this) bytes.
            mps, with_mps: u8 = 7, 4;
            /// Arbitration Mechanism Selected.
            ams, with_ams: u8 = 11, 3;
            /// Shutdown Notification: [`Cc::SHN_NONE`], [`Cc::SHN_NORMAL`] or [`Cc::SHN_ABRUPT`].
            shn, with_shn: u8 = 14, 2;
            /// I/O submission queue entry size, as a power of two (6).
            iosqes, with_iosqes: u8 = 16, 4;
            /// I/O completion queue entry size, as a power of two (4).
            iocqes, with_iocqes: u8 = 20, 4;
        }
    }
}

impl Cc {
    /// CSS: NVM Command Set.
    pub const CSS_NVM: u8 = 0;
    /// CSS: all supported I/O command sets.
    pub const CSS_ALL: u8 = 6;
    /// CSS: admin command set only.
    pub const CSS_NONE: u8 = 7;
    /// SHN: no notification.
    pub const SHN_NONE: u8 = 0;
    /// SHN: normal shutdown.
    pub const SHN_NORMAL: u8 = 1;
    /// SHN: abrupt shutdown.
    pub const SHN_ABRUPT: u8 = 2;
}

bitfield! {
    /// Controller Status (Base 2.0c 3.1.3.6).
    pub struct Csts(u32) {
        flags {
            /// Ready.
            rdy, with_rdy = 0;
            /// Controller Fatal Status.
            cfs, with_cfs = 1;
            /// NVM Subsystem Reset Occurred.
            nssro, with_nssro = 4;
            /// Processing Paused.
            pp, with_pp = 5;
            /// Shutdown Type: 1 for an NVM subsystem shutdown.
            st, with_st = 6;
        }
        fields {
            /// Shutdown Status: [`Csts::SHST_NONE`], [`Csts::SHST_OCCURRING`] or [`Csts::SHST_COMPLETE`].
            shst, with_shst: u8 = 2, 2;
        }
    }
}

impl Csts {
    /// SHST: normal operation.
    pub const SHST_NONE: u8 = 0;
    /// SHST: shutdown processing occurring.
    pub const SHST_OCCURRING: u8 = 1;
    /// SHST: shutdown processing complete.
    pub const SHST_COMPLETE: u8 = 2;
}

bitfield! {
    /// Controller Ready Timeouts (Base 2.0c 3.1.3), both in units of 500 ms.
    pub struct Crto(u32) {
        flags {}
        fields {
            /// Controller Ready With Media Timeout.
            crwmt, with_crwmt: u16 = 0, 16;
            /// Controller Ready Independent of Media Timeout.
            crimt, with_crimt: u16 = 16, 16;
        }
    }
}

/// "NVMe": the value that a write to NSSR needs to reset the subsystem.
pub const NSSR_RESET: u32 = 0x4e56_4d65;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn cc_that_linux_writes() {
        // Linux enables a fabrics controller with 00460001h: EN, 4 KiB pages, 64-byte SQEs, 16-byte CQEs.
        let cc = Cc(0x0046_0001);
        assert!(cc.en());
        assert_eq!((cc.css(), cc.mps(), cc.ams(), cc.shn()), (Cc::CSS_NVM, 0, 0, Cc::SHN_NONE));
        assert_eq!((cc.iosqes(), cc.iocqes()), (6, 4));
        assert_eq!(Cc::default().with_en(true).with_iosqes(6).with_iocqes(4), cc);
        assert_eq!(cc.with_shn(Cc::SHN_NORMAL).0, 0x0046_4001);
        assert_eq!(cc.with_css(Cc::CSS_ALL).0, 0x0046_0061);
        assert!(Cc(1 << 24).crime() && !cc.with_en(false).en());
    }

    #[test]
    fn cap_fields() {
        let cap = Cap::default().with_mqes_z(127).with_cqr(true).with_to(30).with_css_nvm(true);
        assert_eq!(cap.0, 0x0000_0020_1e01_007f);
        assert_eq!((cap.mqes_z(), cap.to(), cap.css()), (127, 30, 1));
        assert!(cap.cqr() && cap.css_nvm() && !cap.css_iocs());
        assert_eq!(Cap::default().with_css_iocs(true).with_css_none(true).css(), 0xc0);
        assert_eq!(Cap::default().with_mpsmax(0xff).0, 0x00f0_0000_0000_0000);
        assert_eq!(Cap::default().with_crwms(true).0, 1 << 59);
    }

    #[test]
    fn csts_and_version() {
        let csts = Csts::default().with_rdy(true).with_shst(Csts::SHST_COMPLETE);
        assert_eq!(csts.0, 9);
        assert!(csts.rdy() && !csts.cfs());
        assert_eq!(Csts::default().with_cfs(true).with_pp(true).with_st(true).with_nssro(true).0, 0x72);
        assert_eq!(Vs::default().with_mjr(2).with_mnr(1), Vs::V2_1);
        assert_eq!((Vs::V1_4.mjr(), Vs::V1_4.mnr(), Vs::V1_4.ter()), (1, 4, 0));
        assert_eq!(Crto(0x0002_0001), Crto::default().with_crwmt(1).with_crimt(2));
    }

    #[test]
    fn builders_do_not_spill() {
        assert_eq!(Cc(0).with_shn(0xff).0, 3 << 14);
        assert_eq!(Cc(u32::MAX).with_mps(0).mps(), 0);
        assert_eq!(Cc(u32::MAX).with_mps(0).ams(), 7);
    }

    #[test]
    fn property_names_and_sizes() {
        assert_eq!(format!("{:?} {:?}", Property(0x14), Property(0x15)), "CC Property(0x15)");
        assert_eq!(Property::CAP.bytes(), Some(8));
        assert_eq!(Property::CSTS.bytes(), Some(4));
        assert_eq!(Property(0x1000).bytes(), None);
        assert_eq!(format!("{:?}", Csts(1)), "Csts { rdy: true, shst: 0 }");
    }
}
