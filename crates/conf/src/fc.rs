//! The Fibre Channel part of a configuration, fully checked: `[QFC]`, `Listen FC`, and portal
//! groups, initiator groups and target nodes for FCP.

use std::collections::BTreeMap;

use crate::address::Wwn;

/// FC-4 types a physical port serves (`[QFC] Transport`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FcTransport {
    /// SCSI only.
    Fcp,
    /// NVMe only.
    Nvme,
    /// Both at once on one port.
    #[default]
    Both,
}

/// `BackendAppFcp spdkscsi:-1`, `BackendAppNvme spdknvme:-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Name of the backend.
    pub name: String,
    /// Reactor it runs on; `None` is any (-1).
    pub reactor: Option<u32>,
}

/// How FCP commands are spread over their ATIO queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FcpRouting {
    /// In turn.
    #[default]
    RoundRobin,
}

/// How NVMe commands are spread over their ATIO queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NvmeRouting {
    /// By connection ID: an NVMe queue stays on one reactor.
    #[default]
    ConnectionId,
}

/// `[QFC]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcPortOptions {
    /// Served FC-4 types.
    pub transport: FcTransport,
    /// Backend of FCP commands.
    pub backend_fcp: Backend,
    /// Backend of FC-NVMe commands.
    pub backend_nvme: Backend,
    /// Take the functions from the kernel's driver at start.
    pub unbind_from_kernel: bool,
    /// Load firmware from `/lib/firmware` instead of the adapter's flash.
    pub load_firmware_from_file: bool,
    /// Several ATIO queues, each polled by its own reactor.
    pub multi_atio: bool,
    /// ATIO queues in total (`NumberOfATIO`, `NumberOfATIOQ`).
    pub atio_queues: Option<u32>,
    /// How many of them are for NVMe (`NvmeConnectionID_ATIO`, `NumberOfNvmeATIO`).
    pub nvme_atio_queues: Option<u32>,
    /// Spreading of FCP commands.
    pub fcp_routing: FcpRouting,
    /// Spreading of NVMe commands.
    pub nvme_routing: NvmeRouting,
    /// Line of `[QFC]`.
    pub line: usize,
}

/// `Listen FC nn-...:pn-...` of a subsystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcListener {
    /// The subsystem.
    pub nqn: String,
    /// Node name of the local port.
    pub node: Wwn,
    /// Port name of the local port.
    pub port: Wwn,
    /// Line of `Listen`.
    pub line: usize,
}

/// `Portal <label> <WWPN>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcPortal {
    /// Only a name for people.
    pub label: String,
    /// The local port.
    pub port: Wwn,
    /// Line of `Portal`.
    pub line: usize,
}

/// `[PortalGroup<n>]` with FC ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcPortalGroup {
    /// n, at least 1.
    pub number: u32,
    /// The local ports; never empty.
    pub portals: Vec<FcPortal>,
    /// Line of the section.
    pub line: usize,
}

/// `InitiatorName` for FC. `!` excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitiatorRule {
    /// `ALL` or `ANY`.
    AllowAll,
    /// `!ALL` or `!ANY`.
    DenyAll,
    /// A port name.
    Allow(Wwn),
    /// `!` and a port name.
    Deny(Wwn),
}

/// `[InitiatorGroup<n>]` for FC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcInitiatorGroup {
    /// n, at least 1.
    pub number: u32,
    /// The rules in the order of the file; never empty.
    pub rules: Vec<InitiatorRule>,
    /// Line of the section.
    pub line: usize,
}

impl FcInitiatorGroup {
    /// May this initiator port see what is mapped to the group? The first rule that names it, or
    /// names all, decides, as in the original's iSCSI code; if none does, it may not.
    pub fn admits(&self, initiator: Wwn) -> bool {
        self.rules
            .iter()
            .find_map(|rule| match *rule {
                InitiatorRule::AllowAll => Some(true),
                InitiatorRule::DenyAll => Some(false),
                InitiatorRule::Allow(wwn) => (wwn == initiator).then_some(true),
                InitiatorRule::Deny(wwn) => (wwn == initiator).then_some(false),
            })
            .unwrap_or(false)
    }
}

/// `Mapping PortalGroup<p> InitiatorGroup<i>`; both exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FcMapping {
    /// Number of the portal group.
    pub portal_group: u32,
    /// Number of the initiator group.
    pub initiator_group: u32,
    /// Line of `Mapping`.
    pub line: usize,
}

/// `[TargetNode<n>]` for FCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcTargetNode {
    /// n, at least 1.
    pub number: u32,
    /// `TargetName`.
    pub name: String,
    /// `TargetAlias`.
    pub alias: Option<String>,
    /// Which initiators see it through which ports; never empty.
    pub mappings: Vec<FcMapping>,
    /// LUN -> block device; LUN 0 is there.
    pub luns: BTreeMap<u32, String>,
    /// `QueueDepth`; 64 if absent.
    pub queue_depth: u32,
    /// Line of the section.
    pub line: usize,
}

/// All of it. Empty lists if the file has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FcConfig {
    /// `[QFC]`, if the file has it.
    pub ports: Option<FcPortOptions>,
    /// NVMe subsystems on FC ports.
    pub listeners: Vec<FcListener>,
    /// Groups of local ports.
    pub portal_groups: Vec<FcPortalGroup>,
    /// Groups of initiators.
    pub initiator_groups: Vec<FcInitiatorGroup>,
    /// FCP target nodes.
    pub target_nodes: Vec<FcTargetNode>,
}
