//! What a host has set on a controller: the values behind Get and Set Features.

use wire::nvme::{EventConfig, FeatureId};

/// A feature that is one dword without further meaning to us.
#[derive(Clone, Copy, Debug)]
struct Simple {
    fid: FeatureId,
    default: u32,
    /// Bits that may be set.
    mask: u32,
}

const SIMPLE: [Simple; 4] = [
    // Arbitration: burst without limit; the weights are kept and mean nothing with round robin.
    Simple { fid: FeatureId::ARBITRATION, default: 7, mask: 0xffff_ff07 },
    // Power Management: there is one state, so PS is 0; the workload hint is kept.
    Simple { fid: FeatureId::POWER_MANAGEMENT, default: 0, mask: 0x0000_00e0 },
    // Error Recovery: the time limit is kept; DULBE is not offered (NSFEAT bit 2).
    Simple { fid: FeatureId::ERROR_RECOVERY, default: 0, mask: 0x0000_ffff },
    // Write Atomicity Normal: Disable Normal.
    Simple { fid: FeatureId::WRITE_ATOMICITY_NORMAL, default: 0, mask: 0x0000_0001 },
];

/// The values of a controller.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    simple: [u32; SIMPLE.len()],
    /// Over and under temperature thresholds of the composite temperature, in kelvin.
    pub thresholds: [u16; 2],
    pub events: EventConfig,
}

impl Values {
    /// The values of a new controller, which gets told what happens in `events`.
    pub fn new(events: EventConfig) -> Self {
        Self { simple: SIMPLE.map(|s| s.default), thresholds: [0xffff, 0], events }
    }

    /// A feature that is one dword: its place, `None` for all others.
    fn place(fid: FeatureId) -> Option<usize> {
        SIMPLE.iter().position(|s| s.fid == fid)
    }

    /// Sets a feature that is one dword; `false` when reserved bits or values are in it. `None` for all other features.
    pub fn set(&mut self, fid: FeatureId, value: u32) -> Option<bool> {
        let place = Self::place(fid)?;
        let fits = value & !SIMPLE[place].mask == 0;
        if fits {
            self.simple[place] = value;
        }
        Some(fits)
    }

    /// A feature that is one dword.
    pub fn get(&self, fid: FeatureId) -> Option<u32> {
        Some(self.simple[Self::place(fid)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_bits_are_refused() {
        let mut values = Values::new(EventConfig(0));
        assert_eq!(values.get(FeatureId::ARBITRATION), Some(7));
        assert_eq!(values.set(FeatureId::ARBITRATION, 0x0102_0303), Some(true));
        assert_eq!(values.get(FeatureId::ARBITRATION), Some(0x0102_0303));
        assert_eq!(values.set(FeatureId::POWER_MANAGEMENT, 1), Some(false));
        assert_eq!(values.set(FeatureId::ERROR_RECOVERY, 0x1_0000), Some(false));
        assert_eq!(values.set(FeatureId::HOST_ID, 1), None);
    }
}
