//! What an adapter is asked for: names, protocols, where firmware comes from, sizes, patience.

use crate::chip::Family;
use fc::{Fc4, Names};
use ring::Tick;
use std::path::PathBuf;
use wire::isp::icb::DataRate;

const MS: Tick = 1_000_000;

/// Where Linux keeps firmware.
const FIRMWARE_DIRECTORY: &str = "/lib/firmware";

/// What the port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// It serves.
    #[default]
    Target,
    /// It serves and sends commands itself: not done, and refused with a sentence.
    Dual,
}

/// How long the adapter waits for what. Virtual time in tests.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// For the completion of an IOCB, beyond the time that the firmware itself is given for it.
    pub iocb: Tick,
    /// Between signs of life that the firmware is asked for.
    pub heartbeat: Tick,
    /// For such a sign.
    pub sign_of_life: Tick,
    /// For lanes to be done with a session before its end is acknowledged all the same.
    pub session_end: Tick,
    /// Before a step with the fabric is tried again; each further wait is twice as long.
    pub retry: Tick,
    /// The longest such wait.
    pub retry_limit: Tick,
    /// Before a start that failed is tried again; doubled as above.
    pub restart: Tick,
    /// Firmware that ran so long without a fault is taken for well.
    pub well: Tick,
    /// After a state change of the fabric, before peers are looked up.
    pub changes: Tick,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            iocb: 10_000 * MS,
            heartbeat: 2_000 * MS,
            sign_of_life: 10_000 * MS,
            session_end: 10_000 * MS,
            retry: 250 * MS,
            retry_limit: 8_000 * MS,
            restart: 500 * MS,
            well: 30_000 * MS,
            changes: 200 * MS,
        }
    }
}

/// What an adapter is asked for, for life. `[QFC]` and the `hba_*` calls say it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names instead of those in the adapter's NVRAM; the firmware gets them by the initialization control block.
    pub names: Option<Names>,
    /// Which protocols may be attached (`Transport`).
    pub serves: Vec<Fc4>,
    /// `LoadFWfromFile`: the file before the flash, and only then the flash's image of last resort.
    pub firmware_from_file: bool,
    /// Which file; none: [`/lib/firmware`](https://docs.kernel.org/driver-api/firmware/fw_search_path.html) and the name that Linux
    /// has for the family.
    pub firmware_file: Option<PathBuf>,
    /// What the port does.
    pub mode: Mode,
    /// Speed of the link; the default negotiates it.
    pub speed: DataRate,
    /// Largest payload of a frame, in bytes.
    pub frame_payload: u16,
    /// How many extra queue pairs are used at most; lanes beyond them go by the base queues of the adapter's home core.
    pub queue_pairs: u16,
    /// Exchanges that each lane may have open.
    pub places: usize,
    /// `MultiAtioEnable` with `NumberOfATIO` less `NumberOfNvmeATIO`: so many lanes of an FCP service get sessions; none: all.
    /// (How many NVMe lanes there are, its owner says by how many it attaches.)
    pub fcp_lanes: Option<usize>,
    /// How many virtual ports there may be, if the firmware has them.
    pub vports: u16,
    /// Symbolic node name for the name server: product, version, host.
    pub symbolic_name: String,
    /// How often in a row the chip is reset before the port is given up.
    pub resets_in_a_row: u32,
    /// How long it waits.
    pub timing: Timing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            names: None,
            serves: vec![Fc4::Fcp, Fc4::Nvme],
            firmware_from_file: false,
            firmware_file: None,
            mode: Mode::Target,
            speed: DataRate::AUTO,
            frame_payload: 2048,
            queue_pairs: 128,
            places: 1024,
            fcp_lanes: None,
            vports: 64,
            symbolic_name: "qfc".to_owned(),
            resets_in_a_row: 5,
            timing: Timing::default(),
        }
    }
}

impl Settings {
    /// What cannot be met is said before anything is touched.
    pub(crate) fn check(&self, address: &str) -> Result<(), String> {
        let refuse = |what: &str| Err(format!("{address}: {what}"));
        if self.mode == Mode::Dual {
            return refuse(
                "dual mode (initiator and target on one port) is not supported: use target mode, or another port to initiate",
            );
        }
        if self.serves.is_empty() {
            return refuse("the port serves no protocol: name FCP, NVME or BOTH as Transport");
        }
        if !(512..=2112).contains(&self.frame_payload) || !self.frame_payload.is_multiple_of(8) {
            return refuse("the largest payload of a frame is a multiple of 8 from 512 to 2112");
        }
        if self.names.is_some_and(|names| names.port.0 == 0 || names.node.0 == 0) {
            return refuse("a port's names cannot be zero");
        }
        if self.places == 0 || self.places > crate::lane::MOST_PLACES {
            return refuse("a queue has from 1 to 2048 places");
        }
        Ok(())
    }

    /// A family without FC-NVMe serves FCP only.
    pub(crate) fn leave_out_nvme(&mut self, family: Family, address: &str) -> Result<(), String> {
        if !family.has_nvme() {
            self.serves.retain(|fc4| *fc4 != Fc4::Nvme);
        }
        if self.serves.is_empty() {
            let boards = family.boards();
            return Err(format!("{address}: a {boards} has no FC-NVMe: write FCP or BOTH as Transport"));
        }
        Ok(())
    }

    /// The firmware file for a family.
    pub(crate) fn firmware_file(&self, name: &str) -> PathBuf {
        self.firmware_file.clone().unwrap_or_else(|| PathBuf::from(FIRMWARE_DIRECTORY).join(name))
    }
}
