//! Which chips this driver knows, and how they differ.

use wire::isp::regs::{DEVICE_2031, DEVICE_2071, DEVICE_2261, DEVICE_2271, VENDOR};

/// A family of chips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// ISP2031: QLE2660, QLE2670 and relatives.
    Isp2031,
    /// ISP2071, 2261, 2271: QLE2690, QLE2740 and relatives.
    Isp27xx,
}

impl Family {
    /// By vendor and device of configuration space.
    pub fn of(ids: [u8; 4]) -> Option<Self> {
        let (vendor, device) = (u16::from_le_bytes([ids[0], ids[1]]), u16::from_le_bytes([ids[2], ids[3]]));
        match device {
            DEVICE_2031 if vendor == VENDOR => Some(Self::Isp2031),
            DEVICE_2071 | DEVICE_2261 | DEVICE_2271 if vendor == VENDOR => Some(Self::Isp27xx),
            _ => None,
        }
    }

    /// The chip writes its queue pointers into memory, too.
    pub fn has_shadow_pointers(self) -> bool {
        self == Self::Isp27xx
    }

    /// Its firmware can have FC-NVMe.
    pub fn has_nvme(self) -> bool {
        self == Self::Isp27xx
    }

    /// The name of its firmware file.
    pub fn firmware_file(self) -> &'static str {
        match self {
            Self::Isp2031 => "ql2600_fw.bin",
            Self::Isp27xx => "ql2700_fw.bin",
        }
    }

    /// What its boards are called, when the board itself does not say.
    pub fn boards(self) -> &'static str {
        match self {
            Self::Isp2031 => "QLE26xx",
            Self::Isp27xx => "QLE27xx",
        }
    }

    /// The name of the chips.
    pub fn chips(self) -> &'static str {
        match self {
            Self::Isp2031 => "ISP2031",
            Self::Isp27xx => "ISP27xx",
        }
    }
}
