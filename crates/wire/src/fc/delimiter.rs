//! Start- and end-of-frame delimiters, by the codes that stand for them where frames are carried as bytes. FC-FS-5 11.2 for
//! the meaning; FC-BB-6 (FCoE, table of encoded SOF and EOF) and RFC 3643 for the codes.

use super::FrameHeader;

open_enum! {
    /// Start of frame.
    pub enum Sof: u8 {
        /// Class F (between switches).
        F = 0x28,
        /// Class 2, first frame of a sequence.
        I2 = 0x2d,
        /// Class 3, first frame of a sequence.
        I3 = 0x2e,
        /// Class 4 (obsolete), first frame of a sequence.
        I4 = 0x29,
        /// Class 2, a further frame.
        N2 = 0x35,
        /// Class 3, a further frame.
        N3 = 0x36,
        /// Class 4 (obsolete), a further frame.
        N4 = 0x31,
        /// Class 4 (obsolete), activate.
        C4 = 0x39,
    }
}

open_enum! {
    /// End of frame.
    pub enum Eof: u8 {
        /// Normal: a further frame of the sequence follows.
        N = 0x41,
        /// Terminate: last frame of the sequence.
        T = 0x42,
        /// Class 4 (obsolete).
        RT = 0x44,
        /// Disconnect terminate (obsolete).
        DT = 0x46,
        /// Normal, invalid: an error was found on the way.
        NI = 0x49,
        /// Disconnect terminate, invalid (obsolete).
        DTI = 0x4e,
        /// Class 4, invalid (obsolete).
        RTI = 0x4f,
        /// Abort: the frame was cut off.
        A = 0x50,
    }
}

impl Eof {
    /// The frame arrived whole: its data may be used.
    pub const fn is_valid(self) -> bool {
        matches!(self, Self::N | Self::T)
    }
}

/// The delimiters of a class 3 frame. The first frame of a sequence is taken to be the one with SEQ_CNT 0, so counting on
/// through the sequences of an exchange (continuously increasing SEQ_CNT) is not covered.
pub const fn sof_eof(header: &FrameHeader) -> (Sof, Eof) {
    let sof = if header.seq_cnt() == 0 { Sof::I3 } else { Sof::N3 };
    let eof = if header.f_ctl().end_sequence() { Eof::T } else { Eof::N };
    (sof, eof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fc::{FCtl, PortId, RCtl, Type};

    #[test]
    fn class_3() {
        let h = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, PortId(1), PortId(2));
        let end = FCtl::default().with_end_sequence(true);
        assert_eq!(sof_eof(&h), (Sof::I3, Eof::N));
        assert_eq!(sof_eof(&h.with_sequence(0, 1)), (Sof::N3, Eof::N));
        assert_eq!(sof_eof(&h.with_sequence(0, 2).with_f_ctl(end)), (Sof::N3, Eof::T));
        assert_eq!(sof_eof(&h.with_f_ctl(end)), (Sof::I3, Eof::T));
        assert!(Eof::T.is_valid() && !Eof::A.is_valid() && !Eof(0).is_valid());
    }
}
