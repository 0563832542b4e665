//! The effective start options: command line over `[Global]` of the configuration file over defaults.

use std::path::PathBuf;
use std::time::Duration;

/// What a reactor does when it has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Polls on.
    Spin,
    /// Polls on for this long, then sleeps until something happens.
    Adaptive(Duration),
}

/// The effective start options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The configuration file (`-c`).
    pub config: Option<PathBuf>,
    /// Cores to run reactors on, ascending, none twice, at least one (`-m`).
    pub cores: Vec<usize>,
    /// The core that `framework_get_scheduler` calls the scheduling core (`-p`); one of `cores`. Control work runs on none.
    pub main_core: usize,
    /// MiB of memory to map at start (`-s`); `None`: what the configuration needs.
    pub mem_mib: Option<u64>,
    /// Hugepages (not `--no-huge`).
    pub huge: bool,
    /// A hugetlbfs mount to put the memory files into (`--huge-dir`).
    pub huge_dir: Option<PathBuf>,
    /// One file for all memory (`-g`).
    pub single_file: bool,
    /// The RPC socket (`-r`).
    pub rpc_socket: PathBuf,
    /// Wait in the STARTUP state for `framework_start_init` (`--wait-for-rpc`).
    pub wait_for_rpc: bool,
    /// What idle reactors do (`--idle`).
    pub idle: Idle,
    /// Trace groups to switch on (`-e`).
    pub trace_mask: Option<String>,
    /// Log flags to switch on (`-L`).
    pub log_flags: Vec<String>,
    /// Use no PCI function (`-u`).
    pub no_pci: bool,
    /// PCI functions that may be used (`-A`); empty: all.
    pub pci_allowed: Vec<String>,
    /// PCI functions that must not be used (`-B`).
    pub pci_blocked: Vec<String>,
}

/// Where the RPC socket is unless told otherwise.
pub const RPC_SOCKET: &str = "/var/tmp/qfc.sock";

/// How long an adaptive reactor polls without work before it sleeps.
pub const SPIN: Duration = Duration::from_micros(200);

impl Default for Options {
    fn default() -> Self {
        Self {
            config: None,
            cores: vec![0],
            main_core: 0,
            mem_mib: None,
            huge: true,
            huge_dir: None,
            single_file: false,
            rpc_socket: RPC_SOCKET.into(),
            wait_for_rpc: false,
            idle: Idle::Adaptive(SPIN),
            trace_mask: None,
            log_flags: Vec::new(),
            no_pci: false,
            pci_allowed: Vec::new(),
            pci_blocked: Vec::new(),
        }
    }
}
