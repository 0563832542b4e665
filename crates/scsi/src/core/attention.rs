//! Unit attention conditions of one nexus and logical unit: what is pending, and in which order it is told (SAM-5 5.14).

use super::fail::Fail;
use wire::scsi::{Asc, Key};

/// What an initiator is told of, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Attention {
    /// The nexus is new to us.
    PowerOn,
    /// The logical unit was reset.
    Reset,
    /// The nexus was reset.
    NexusLoss,
    /// LUNs came or went.
    LunsChanged,
    /// Another volume is behind the LUN, or its name is another.
    InquiryChanged,
    /// Its size is another.
    CapacityChanged,
    /// Its medium was put in, and may be another.
    MediumChanged,
    /// Another nexus ended commands of this one (CLEAR TASK SET, PREEMPT AND ABORT).
    CommandsCleared,
    /// Another nexus took this one's registration away.
    RegistrationsPreempted,
    /// Another nexus took the reservation away, or cleared all registrations.
    ReservationsPreempted,
    /// The reservation is gone: released, or its holder unregistered.
    ReservationsReleased,
    /// A target port group is in another state.
    AccessChanged,
    /// Another nexus changed mode parameters.
    ModeChanged,
    /// Another nexus set the clock.
    TimestampChanged,
    /// A test of informational exceptions (MRIE 2h).
    FailurePrediction,
}

/// All of them, the most important first, with their additional sense codes.
const ALL: [(Attention, Asc); 15] = [
    (Attention::PowerOn, Asc::POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED),
    (Attention::Reset, Asc::BUS_DEVICE_RESET_FUNCTION_OCCURRED),
    (Attention::NexusLoss, Asc::I_T_NEXUS_LOSS_OCCURRED),
    (Attention::LunsChanged, Asc::REPORTED_LUNS_DATA_HAS_CHANGED),
    (Attention::InquiryChanged, Asc::INQUIRY_DATA_HAS_CHANGED),
    (Attention::CapacityChanged, Asc::CAPACITY_DATA_HAS_CHANGED),
    (Attention::MediumChanged, Asc::NOT_READY_TO_READY_CHANGE_MEDIUM_MAY_HAVE_CHANGED),
    (Attention::CommandsCleared, Asc::COMMANDS_CLEARED_BY_ANOTHER_INITIATOR),
    (Attention::RegistrationsPreempted, Asc::REGISTRATIONS_PREEMPTED),
    (Attention::ReservationsPreempted, Asc::RESERVATIONS_PREEMPTED),
    (Attention::ReservationsReleased, Asc::RESERVATIONS_RELEASED),
    (Attention::AccessChanged, Asc::ASYMMETRIC_ACCESS_STATE_CHANGED),
    (Attention::ModeChanged, Asc::MODE_PARAMETERS_CHANGED),
    (Attention::TimestampChanged, Asc::TIMESTAMP_CHANGED),
    (Attention::FailurePrediction, Asc::FAILURE_PREDICTION_THRESHOLD_EXCEEDED_FALSE),
];

/// The first three mean that all is as after power on; one of them is enough (SAM-5 5.14.3, 6.2).
const RESETS: u32 = 0b111;

/// What is pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attentions(u32);

impl Attentions {
    pub const fn of(attention: Attention) -> Self {
        Self(1 << attention as u8)
    }

    #[inline]
    pub fn is_pending(self) -> bool {
        self.0 != 0
    }

    /// Makes one pending. A more important reset swallows the others, and stays.
    pub fn raise(&mut self, attention: Attention) {
        let all = self.0 | Self::of(attention).0;
        let resets = all & RESETS;
        self.0 = all & !RESETS | resets & resets.wrapping_neg();
    }

    /// Tells the most important one, which is pending no longer.
    pub fn take(&mut self) -> Option<Attention> {
        let first = self.first()?;
        self.clear(first);
        Some(first)
    }

    /// The most important one.
    pub fn first(self) -> Option<Attention> {
        ALL.get(self.0.trailing_zeros() as usize).map(|(attention, _)| *attention)
    }

    pub fn clear(&mut self, attention: Attention) {
        self.0 &= !Self::of(attention).0;
    }
}

impl Attention {
    pub fn code(self) -> Asc {
        ALL[self as usize].1
    }

    /// CHECK CONDITION.
    pub fn fail(self) -> Fail {
        Fail::check(Key::UNIT_ATTENTION, self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Attention::*;
    use super::*;

    fn told(mut attentions: Attentions) -> Vec<u16> {
        std::iter::from_fn(|| attentions.take()).map(|attention| attention.code().0).collect()
    }

    #[test]
    fn they_are_told_once_the_most_important_first() {
        let mut attentions = Attentions::default();
        [CapacityChanged, LunsChanged, NexusLoss, CapacityChanged].into_iter().for_each(|a| attentions.raise(a));
        assert_eq!(told(attentions), [0x2907, 0x3f0e, 0x2a09]);
    }

    #[test]
    fn each_stands_at_its_place() {
        for (place, (attention, code)) in ALL.into_iter().enumerate() {
            assert_eq!((attention as usize, attention.code()), (place, code));
            assert_eq!(Attentions::of(attention).first(), Some(attention));
        }
        assert_eq!(Attentions::default().first(), None);
    }

    #[test]
    fn one_reset_is_enough() {
        let mut attentions = Attentions::default();
        [NexusLoss, Reset, NexusLoss].into_iter().for_each(|a| attentions.raise(a));
        assert_eq!(told(attentions), [0x2903]);
        [InquiryChanged, PowerOn, Reset].into_iter().for_each(|a| attentions.raise(a));
        assert_eq!(told(attentions), [0x2900, 0x3f03]);
        attentions.clear(PowerOn);
        assert_eq!(told(attentions), [0x3f03]);
    }
}
