//! Which adapter it is: board, port, names.

use fc::Names;
use wire::isp::mailbox::{MaxSpeed, Speed};
use wire::isp::regs;

/// A generation of chips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 16 Gb/s; no pointers behind the queues, no NVMe.
    Isp2031,
    /// 16 and 32 Gb/s.
    Isp27xx,
}

/// A board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// One port of 32 Gb/s.
    Qle2740,
    /// Two ports of 32 Gb/s.
    Qle2742,
    /// One port of 16 Gb/s.
    Qle2690,
    /// Two ports of 16 Gb/s.
    Qle2692,
    /// One port of 16 Gb/s, ISP2031.
    Qle2670,
    /// Two ports of 16 Gb/s, ISP2031.
    Qle2672,
}

impl Board {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qle2740 => "QLE2740",
            Self::Qle2742 => "QLE2742",
            Self::Qle2690 => "QLE2690",
            Self::Qle2692 => "QLE2692",
            Self::Qle2670 => "QLE2670",
            Self::Qle2672 => "QLE2672",
        }
    }

    /// The board of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        use Board::*;
        [Qle2740, Qle2742, Qle2690, Qle2692, Qle2670, Qle2672].into_iter().find(|b| b.name().eq_ignore_ascii_case(name))
    }

    /// Its chips.
    pub const fn family(self) -> Family {
        match self {
            Self::Qle2670 | Self::Qle2672 => Family::Isp2031,
            _ => Family::Isp27xx,
        }
    }

    /// PCI device.
    pub const fn device(self) -> u16 {
        match self.family() {
            Family::Isp2031 => regs::DEVICE_2031,
            Family::Isp27xx => regs::DEVICE_2261,
        }
    }

    /// PCI subsystem of vendor 1077h, as pci.ids has it.
    pub const fn subsystem(self) -> u16 {
        match self {
            Self::Qle2740 => 0x0299,
            Self::Qle2742 => 0x029a,
            Self::Qle2690 => 0x029b,
            Self::Qle2692 => 0x029c,
            Self::Qle2670 => 0x0244,
            Self::Qle2672 => 0x0245,
        }
    }

    /// Gb/s.
    pub const fn gigabits(self) -> u32 {
        match self {
            Self::Qle2740 | Self::Qle2742 => 32,
            _ => 16,
        }
    }

    /// The same as events tell it.
    pub const fn speed(self) -> Speed {
        Speed::at_most(self.gigabits())
    }

    /// The same as the start of the firmware tells it.
    pub const fn max_speed(self) -> MaxSpeed {
        match self.gigabits() {
            32 => MaxSpeed::GFC_32,
            _ => MaxSpeed::GFC_16,
        }
    }

    /// What the VPD calls it.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Qle2740 => "QLE2740 PCIe x8 to Single Port 32Gb Fibre Channel Adapter",
            Self::Qle2742 => "QLE2742 PCIe x8 to Dual Port 32Gb Fibre Channel Adapter",
            Self::Qle2690 => "QLE2690 PCIe x8 to Single Port 16Gb Fibre Channel Adapter",
            Self::Qle2692 => "QLE2692 PCIe x8 to Dual Port 16Gb Fibre Channel Adapter",
            Self::Qle2670 => "QLE2670 PCIe x8 to Single Port 16Gb Fibre Channel Adapter",
            Self::Qle2672 => "QLE2672 PCIe x8 to Dual Port 16Gb Fibre Channel Adapter",
        }
    }
}

/// Which FC-4 type an initiator takes for a remote port that has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// FCP.
    Fcp,
    /// NVMe.
    Nvme,
}

/// All that makes one function different from another.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The board.
    pub board: Board,
    /// Port of the board, 0 to 3: its PCI function and interrupt pin.
    pub port: u8,
    /// Whether the board's other port is a function beside this one.
    pub multifunction: bool,
    /// Names in the NVRAM.
    pub names: Names,
    /// Serial number of the board.
    pub serial: String,
    /// What the NVRAM prefers.
    pub preference: Preference,
    /// Version of the firmware in the flash.
    pub firmware: [u16; 3],
    /// MSI-X vectors, 1 to 255.
    pub vectors: u16,
}

impl Identity {
    /// The only port of a QLE2742 with these names: 16 vectors, FCP preferred.
    pub fn new(names: Names) -> Self {
        Self {
            board: Board::Qle2742,
            port: 0,
            multifunction: false,
            names,
            serial: "RFD0000Q00001".into(),
            preference: Preference::Fcp,
            firmware: [9, 8, 0],
            vectors: 16,
        }
    }
}
