//! What a file means: start options, calls to make, the Fibre Channel configuration, remarks.

use serde_json::Value;

use crate::diag::{Diagnostic, Severity};
use crate::fc::FcConfig;

/// One JSON-RPC call, with SPDK's current names.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Method name.
    pub method: String,
    /// Parameters by name.
    pub params: Value,
    /// The line that asks for it, for messages when the call fails.
    pub line: usize,
}

impl Call {
    pub(crate) fn new(method: &str, params: Value, line: usize) -> Call {
        Call { method: method.to_owned(), params, line }
    }
}

/// What a reactor does when it finds no work (`[Global] Idle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Keep polling.
    Spin,
    /// Poll for a while, then sleep until something happens.
    Adaptive,
}

/// Settings that must be known before anything starts. The command line wins over each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartOptions {
    /// `ReactorMask` (`-m`): a hexadecimal mask or a core list in brackets, as written.
    pub reactor_mask: Option<String>,
    /// `TpointGroupMask` (`-e`), as written.
    pub tpoint_group_mask: Option<String>,
    /// `NoPci` (`-u`).
    pub no_pci: Option<bool>,
    /// `PciWhitelist` (`-A`): the only PCI functions to use.
    pub pci_allowed: Vec<String>,
    /// `PciBlacklist` (`-B`): PCI functions not to use.
    pub pci_blocked: Vec<String>,
    /// `SharedMemoryID` (`-i`).
    pub shm_id: Option<i32>,
    /// `[Rpc] Listen` (`-r`): path of the Unix socket.
    pub rpc_listen: Option<String>,
    /// `Idle spin` or `Idle adaptive`.
    pub idle: Option<Idle>,
    /// `IdleSpinUs`: microseconds of polling before sleep when idle is adaptive.
    pub idle_spin_us: Option<u64>,
}

/// The meaning of a configuration file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Settings for the start.
    pub options: StartOptions,
    /// Calls that build the configuration, in the order to make them: block devices, transports,
    /// subsystems, hosts, namespaces, listeners; then the groups and target nodes of FCP.
    pub calls: Vec<Call>,
    /// Calls for what this version does not have (RDMA, FC-NVMe transports, local NVMe drives).
    /// Each has a warning. They are not to be made.
    pub not_yet: Vec<Call>,
    /// The Fibre Channel ports and FCP target nodes.
    pub fc: FcConfig,
    /// Remarks in the order of lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl Plan {
    /// Is there an error among the diagnostics? Then the plan must not be carried out.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}
