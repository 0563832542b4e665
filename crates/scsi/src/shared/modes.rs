//! The mode parameters of a logical unit that can be changed, and what else keeps commands from it: one word for all nexuses
//! (MODE PAGE POLICY: shared), which a core loads once for a command.
//!
//! - Owns: the word.
//! - In: MODE SELECT of any core; a reset of the logical unit, which brings back the defaults of the mode parameters; START
//!   STOP UNIT that takes the medium out; SANITIZE.
//! - Limits: nothing is saved (SP and saved values are refused), so a restart brings back the defaults too.

use std::sync::atomic::{AtomicU32, Ordering};

/// The word. A value of 0 is the default of everything.
#[derive(Debug, Default)]
pub(crate) struct Modes(AtomicU32);

/// What is selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selected(u32);

impl Modes {
    #[inline]
    pub fn get(&self) -> Selected {
        Selected(self.0.load(Ordering::Relaxed))
    }

    /// Puts those bits of `new` in place that differ from `old`, which the caller has read before; what others change
    /// meanwhile stays. Whether anything differed.
    pub fn change(&self, old: Selected, new: Selected) -> bool {
        let differs = old.0 ^ new.0;
        self.0.fetch_and(!(differs & old.0), Ordering::Relaxed);
        self.0.fetch_or(differs & new.0, Ordering::Relaxed);
        differs != 0
    }

    /// The defaults again (SAM-5 6.3.3). A medium that is out stays out, and SANITIZE goes on.
    pub fn reset(&self) {
        self.0.fetch_and(Selected::GATES, Ordering::Relaxed);
    }

    /// Sets or clears one of the [gates](Selected::GATES). Whether it was otherwise before.
    pub fn gate(&self, bit: u32, is_so: bool) -> bool {
        let old =
            if is_so { self.0.fetch_or(bit, Ordering::Relaxed) } else { self.0.fetch_and(!bit, Ordering::Relaxed) };
        (old & bit != 0) != is_so
    }
}

impl Selected {
    /// D_SENSE: descriptor format sense data.
    pub const DESCRIPTORS: u32 = 1 << 0;
    /// SWP: the initiators protect it from writes.
    pub const PROTECTED: u32 = 1 << 1;
    /// WCE is 0 although there is a cache: each write goes to the medium.
    pub const WRITES_THROUGH: u32 = 1 << 2;
    /// DEXCPT is 0: informational exceptions are reported.
    pub const EXCEPTIONS: u32 = 1 << 3;
    /// EWASC.
    pub const WARNINGS: u32 = 1 << 4;
    /// TEST.
    pub const TEST: u32 = 1 << 5;
    /// TAS: who lost a command to another nexus gets TASK ABORTED.
    pub const TELLS_ABORTED: u32 = 1 << 6;
    /// The medium is out.
    pub const OUT: u32 = 1 << 16;
    /// SANITIZE goes on.
    pub const SANITIZING: u32 = 1 << 17;
    /// The last SANITIZE failed.
    pub const SANITIZE_FAILED: u32 = 1 << 18;
    /// What keeps commands from the unit: no mode parameters.
    pub const GATES: u32 = Self::OUT | Self::SANITIZING | Self::SANITIZE_FAILED;
    const METHOD_AT: u32 = 8;
    const METHOD: u32 = 0xf << Self::METHOD_AT;

    #[inline]
    pub const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// With that bit as `is_so` says.
    pub const fn with(self, bit: u32, is_so: bool) -> Self {
        Self(if is_so { self.0 | bit } else { self.0 & !bit })
    }

    /// MRIE: how informational exceptions are reported.
    pub const fn method(self) -> u8 {
        (self.0 >> Self::METHOD_AT & 0xf) as u8
    }

    pub const fn with_method(self, method: u8) -> Self {
        Self(self.0 & !Self::METHOD | ((method & 0xf) as u32) << Self::METHOD_AT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_alone_what_it_does_not_mean() {
        let modes = Modes::default();
        let old = modes.get();
        assert!(modes.change(old, old.with(Selected::PROTECTED, true)));
        // Of the other one that read the word before.
        assert!(modes.change(old, old.with(Selected::DESCRIPTORS, true).with_method(6)));
        let now = modes.get();
        assert!(now.has(Selected::PROTECTED) && now.has(Selected::DESCRIPTORS) && now.method() == 6);
        assert!(!modes.change(now, now) && modes.change(now, now.with_method(2)));
        assert_eq!(modes.get().method(), 2);
        assert!(modes.gate(Selected::OUT, true) && !modes.gate(Selected::OUT, true));
        modes.reset();
        assert_eq!(modes.get(), Selected::default().with(Selected::OUT, true));
        assert!(modes.gate(Selected::OUT, false) && modes.get() == Selected::default());
    }
}
