//! What the adapter shows to the control plane.

use fc::{Names, PortState, PortStatus};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An adapter, for people.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AdapterInfo {
    /// Which PCI function: `0000:3b:00.0`, `vfio-user:/run/hba.sock`, `virtual`.
    pub address: String,
    /// Which port of the adapter it is; 0 is the first.
    pub port: u8,
    /// `QLE2742`.
    pub model: String,
    /// What the adapter calls itself.
    pub description: String,
    /// Serial number; empty when the adapter does not say.
    pub serial: String,
    /// `ISP27xx`.
    pub chip: String,
    /// Version of the firmware that runs; none before it does.
    pub firmware: Option<String>,
    /// The firmware has FC-NVMe.
    pub nvme: bool,
    /// What the driver does with it: `reset`, `loading firmware`, `link down`, `online`, `given up`.
    pub state: String,
    /// Why it is no farther.
    pub reason: Option<String>,
    /// Gb/s of the link.
    pub speed: Option<u32>,
    /// Degrees Celsius, where the chip says.
    pub temperature: Option<u16>,
    /// Exchanges that the firmware has.
    pub exchanges: u16,
    /// Virtual ports that there may be.
    pub vports: u16,
    /// Extra queue pairs in use.
    pub queue_pairs: u16,
    /// How often the chip was reset since the start, for whatever reason.
    pub resets: u64,
    /// Why it was reset at last.
    pub last_fault: Option<String>,
}

/// What is shown of one port. Written on the adapter's core, read by anyone.
pub(crate) struct Board {
    names: Mutex<Names>,
    status: Mutex<PortStatus>,
    info: Mutex<AdapterInfo>,
    written: AtomicU64,
    gone: AtomicBool,
}

impl Board {
    pub fn new(link: String, max_payload: u16, names: Names) -> Self {
        let status = PortStatus {
            state: PortState::LinkDown,
            reason: None,
            port_id: 0,
            topology: None,
            fabric: None,
            link,
            max_payload,
            sessions: Vec::new(),
            counters: Vec::new(),
        };
        let (info, written) = (Mutex::new(AdapterInfo::default()), AtomicU64::new(0));
        Self { names: Mutex::new(names), status: Mutex::new(status), info, written, gone: AtomicBool::new(false) }
    }

    /// The port's names; zeroes before they are known.
    pub fn names(&self) -> Names {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_names(&self, names: Names) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    pub fn status(&self) -> MutexGuard<'_, PortStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn info(&self) -> MutexGuard<'_, AdapterInfo> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a new state. Only when something of the control path changed, never for commands.
    pub fn write(&self, status: PortStatus, info: Option<AdapterInfo>) {
        *self.status() = status;
        if let Some(info) = info {
            *self.info() = info;
        }
        self.written.fetch_add(1, Ordering::Release);
    }

    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The port is no more.
    pub fn close(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub fn is_closed(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }
}
