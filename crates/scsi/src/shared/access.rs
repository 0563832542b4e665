//! Asymmetric access states (ALUA, SPC-4 5.15) of a target device's port groups.
//!
//! - Owns: the state of each group, one word that cores load for each command.
//! - In: SET TARGET PORT GROUPS of any core; the control plane (an implicit change).
//! - Out: [`Group`], which a nexus keeps; whoever changes a state tells the nexuses by a unit attention.
//! - Limits: a change takes effect at once, so nothing is ever found transitioning unless the control plane says so; states
//!   are those of a whole target device, not of one logical unit; they start anew with the process. Offline and logical block
//!   dependent are not supported.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// ASYMMETRIC ACCESS STATE (SPC-4 table 291).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum AccessState {
    /// Active/optimized.
    #[default]
    ActiveOptimized = 0x0,
    /// Active/non-optimized.
    ActiveNonOptimized = 0x1,
    /// Standby: reservations and questions, no data.
    Standby = 0x2,
    /// Unavailable: few questions.
    Unavailable = 0x3,
    /// On its way to another one.
    Transitioning = 0xf,
}

/// Who changed a state (STATUS CODE, SPC-4 table 292).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SET TARGET PORT GROUPS.
    Explicit = 1,
    /// We ourselves.
    Implicit = 2,
}

/// The port groups of one target device, for as long as it is one: new views of it keep it.
#[derive(Debug, Default)]
pub struct AccessStates {
    groups: Mutex<BTreeMap<u16, Arc<Group>>>,
}

/// A target port group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// State in bits 0 to 3, PREF in bit 7, STATUS CODE from bit 8 on.
    word: AtomicU32,
}

/// PREF.
const PREFERRED: u32 = 0x80;

impl AccessState {
    /// The state of a code, if it is one that is supported.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x0 => Self::ActiveOptimized,
            0x1 => Self::ActiveNonOptimized,
            0x2 => Self::Standby,
            0x3 => Self::Unavailable,
            0xf => Self::Transitioning,
            _ => return None,
        })
    }
}

impl AccessStates {
    /// The group of that tag; each starts active and optimized.
    pub(crate) fn group(&self, tag: u16) -> Arc<Group> {
        self.lock().entry(tag).or_default().clone()
    }

    /// Puts a group into a state. Whether it was in another before.
    pub fn set(&self, tag: u16, state: AccessState, cause: Cause) -> bool {
        let mut differs = false;
        self.change(tag, |old| {
            differs = old & 0xf != state as u32;
            if differs { old & PREFERRED | state as u32 | (cause as u32) << 8 } else { old }
        });
        differs
    }

    /// Marks a group as preferred (PREF), or no longer.
    pub fn prefer(&self, tag: u16, preferred: bool) {
        self.change(tag, |old| if preferred { old | PREFERRED } else { old & !PREFERRED });
    }

    /// The state of a group, and whether it is preferred.
    pub fn get(&self, tag: u16) -> (AccessState, bool) {
        let group = self.group(tag);
        (group.state(), group.word.load(Ordering::Relaxed) & PREFERRED != 0)
    }

    /// Changes a word; the lock makes it one step.
    fn change(&self, tag: u16, change: impl FnOnce(u32) -> u32) {
        let mut groups = self.lock();
        let group = groups.entry(tag).or_default();
        group.word.store(change(group.word.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two views of a target device are equal only with the same groups.
impl PartialEq for AccessStates {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for AccessStates {}

impl Group {
    /// Its state.
    #[inline]
    pub fn state(&self) -> AccessState {
        AccessState::from_code((self.word.load(Ordering::Relaxed) & 0xf) as u8).unwrap_or_default()
    }

    /// PREF and state, and STATUS CODE, as REPORT TARGET PORT GROUPS has them.
    pub fn bytes(&self) -> (u8, u8) {
        let word = self.word.load(Ordering::Relaxed);
        (word as u8, (word >> 8) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_seen_by_who_keeps_the_group() {
        let access = AccessStates::default();
        let kept = access.group(7);
        assert_eq!((kept.state(), kept.bytes()), (AccessState::ActiveOptimized, (0, 0)));
        access.prefer(7, true);
        assert!(access.set(7, AccessState::Standby, Cause::Explicit));
        assert!(!access.set(7, AccessState::Standby, Cause::Implicit));
        assert_eq!((kept.state(), kept.bytes()), (AccessState::Standby, (0x82, 1)));
        assert_eq!(
            (access.get(7), access.get(8)),
            ((AccessState::Standby, true), (AccessState::ActiveOptimized, false))
        );
        assert!(access.set(7, AccessState::Transitioning, Cause::Implicit));
        access.prefer(7, false);
        assert_eq!(kept.bytes(), (0x0f, 2));
    }

    #[test]
    fn states_that_are_not_supported_have_no_code() {
        assert_eq!([4, 5, 0xe, 0x10].map(AccessState::from_code), [None; 4]);
    }
}
