//! The command line.

use crate::target::{ConnectArgs, LoadTarget, PlainTarget, TimeOrTransport, time_or_transport};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where a target listens unless it is told otherwise.
pub const SOCKET: &str = "/var/tmp/qfc.sock";

/// A storage host in user space, for NVMe/TCP, FC-NVMe, SCSI over FCP and iSCSI: no kernel module, no root.
///
/// Every command takes the target as tcp://ADDRESS:PORT/NQN, fc://nn-0x...:pn-0x.../NQN, fcp://nn-0x...:pn-0x.../LUN or
/// iscsi://ADDRESS:PORT/IQN/LUN, or with the flags of nvme-cli (-t, -a, -s, -n). Fibre Channel here is the soft fabric: --fabric says where it is.
#[derive(Debug, Parser)]
#[command(
    name = "qfc",
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  qfc discover -a 127.0.0.1 -s 4420                        what does the target offer?
  qfc identify tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk --namespaces
  qfc perf tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk -w randread -q 32 -o 4k -t 10
  qfc verify tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk -t 30
  qfc discover -t fc -a nn-0x20000024ff7799ab:pn-0x21000024ff7799ab       over the soft Fibre Channel fabric
  qfc perf fcp://nn-0x20000024ff7799ab:pn-0x21000024ff7799ab/0 -t 10       a SCSI disk
  qfc discover -t iscsi -a 127.0.0.1                       the nodes of an iSCSI portal
  qfc perf iscsi://127.0.0.1/iqn.2016-06.io.spdk:disk1/0 -t 10
  qfc rpc nvmf_get_subsystems
  qfc doctor                                               what stands between this machine and a working FC port?

Exit status: 0 done and good, 1 the answer is bad (verify found damage, an RPC failed), 2 it could not be done."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Discover(DiscoverArgs),
    Identify(IdentifyArgs),
    Perf(PerfArgs),
    Verify(VerifyArgs),
    Rpc(RpcArgs),
    Doctor(DoctorArgs),
    /// Print shell completions
    #[command(after_help = "Example:\n  qfc completions bash > /etc/bash_completion.d/qfc")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command into a directory
    #[command(after_help = "Examples:\n  qfc man | man -l -\n  qfc man --dir /usr/local/share/man/man1")]
    Man {
        /// Write qfc.1, qfc-perf.1 ... here
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// List the subsystems and listeners that a discovery service offers, or the nodes or logical units of a SCSI target
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  qfc discover -a 127.0.0.1 -s 4420
  qfc discover tcp://[::1]:4420 -o json | jq '.records[].subnqn'
  qfc discover -t iscsi -a 127.0.0.1                     the nodes of a portal (SendTargets)
  qfc discover iscsi://127.0.0.1/iqn.2016-06.io.spdk:disk1 --chap-file secret.conf    its logical units
  qfc discover -a 127.0.0.1 -s 4420 --hostnqn nqn.2014-08.org.example:host1    as another host would see it")]
pub struct DiscoverArgs {
    #[command(flatten)]
    pub target: PlainTarget,
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Text or JSON
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

/// Show a controller and its namespaces
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  qfc identify tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk
  qfc identify 127.0.0.1:4420 nqn.2014-08.org.example:disk --namespaces
  qfc identify -a 127.0.0.1 -s 4420 -n nqn.2014-08.org.example:disk --namespaces -o json")]
pub struct IdentifyArgs {
    #[command(flatten)]
    pub target: PlainTarget,
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Show every namespace too
    #[arg(long)]
    pub namespaces: bool,
    /// Text or JSON
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkloadName {
    Read,
    Write,
    Rw,
    Randread,
    Randwrite,
    Randrw,
}

/// Measure reads and writes. WRITES DESTROY what is on the namespace
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  qfc perf TARGET -w randread -q 32 -P 4 -o 4k -t 10     4 queues, 32 commands on each, for 10 seconds
  qfc perf TARGET -w randrw --mix 70 -o 8k               70 % reads
  qfc perf TARGET -w read -o 128k -q 16 -H -D            sequential, with header and data digests
  qfc perf TARGET -w randread --core 1 --json -          pinned to core 1, the result as JSON
where TARGET is tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk. One thread keeps its core busy the whole time.")]
pub struct PerfArgs {
    #[command(flatten)]
    pub target: LoadTarget,
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// What to do
    #[arg(short = 'w', long, value_enum, default_value = "randread")]
    pub workload: WorkloadName,
    /// Percentage of reads of rw and randrw
    #[arg(long, default_value_t = 70, value_parser = clap::value_parser!(u8).range(0..=100), value_name = "PERCENT")]
    pub mix: u8,
    /// Commands outstanding on each queue
    #[arg(short = 'q', long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4095), value_name = "N")]
    pub depth: u16,
    /// Queues, each a connection of its own
    #[arg(short = 'P', long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub queues: u16,
    /// Bytes of a command
    #[arg(short = 'o', long, default_value = "4k", value_parser = io_size, value_name = "SIZE")]
    pub io_size: u32,
    /// How long to measure [default: 10]; or, given once more, the transport: tcp, fc, fcp, iscsi
    #[arg(short = 't', long, value_parser = time_or_transport, value_name = "SECONDS")]
    pub time: Vec<TimeOrTransport>,
    /// How long to run before that
    #[arg(long, default_value = "1", value_parser = host::parse_seconds, value_name = "SECONDS")]
    pub warmup: Duration,
    /// Threads, among which the queues are dealt
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub threads: u16,
    /// Pin the first thread to this core, the others to those after it
    #[arg(long, value_name = "CORE")]
    pub core: Option<usize>,
    /// Namespace
    #[arg(long, default_value_t = 1, value_name = "NSID")]
    pub nsid: u32,
    /// Start of the random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the result as JSON to a file, or with - to standard output instead of text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Write data that proves what happened to it, and check it. DESTROYS what is on the namespace
#[derive(Debug, Args)]
#[command(after_help = "\
Every block that is written says which block it is, which write of it, and which run. Blocks are written again and again in random
order and read back; at the end all are read once more. When the connection is lost, or the target is killed and started again,
verify connects anew: a write that was acknowledged must be there, one that was not may be there or not, but no block may be torn.

Examples:
  qfc verify TARGET -t 60 -q 32 --flush-every 100        for a minute
  qfc verify TARGET -t 60 --state /tmp/disk.state        keep what must be there in a file,
  qfc verify TARGET --check /tmp/disk.state              and check it later, after kill -9 of the target or of qfc
  qfc verify TARGET -t 60 --state /tmp/disk.state --resume     go on with it
where TARGET is tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk. Exit status 1 means that data was wrong.")]
pub struct VerifyArgs {
    #[command(flatten)]
    pub target: LoadTarget,
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How long to write and read [default: 10]; or, given once more, the transport: tcp, fc, fcp, iscsi
    #[arg(short = 't', long, value_parser = time_or_transport, value_name = "SECONDS")]
    pub time: Vec<TimeOrTransport>,
    /// Commands outstanding on each queue
    #[arg(short = 'q', long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4095), value_name = "N")]
    pub depth: u16,
    /// Queues, each a connection of its own
    #[arg(short = 'P', long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub queues: u16,
    /// Bytes of a command: one or more blocks
    #[arg(short = 'o', long, default_value = "4k", value_parser = io_size, value_name = "SIZE")]
    pub io_size: u32,
    /// Percentage of reads
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=99), value_name = "PERCENT")]
    pub mix: u8,
    /// Use only this much of the namespace, from its start
    #[arg(long, default_value = "256m", value_parser = host::parse_bytes, value_name = "SIZE")]
    pub size: u64,
    /// Flush after this many writes; 0 for never
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub flush_every: u64,
    /// Namespace
    #[arg(long, default_value_t = 1, value_name = "NSID")]
    pub nsid: u32,
    /// Start of the random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How long to try to connect again when the target is away; 0 for not at all
    #[arg(long, default_value = "30", value_parser = host::parse_seconds, value_name = "SECONDS")]
    pub reconnect: Duration,
    /// Keep what must be on the namespace in this file, always up to date
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Go on with a state file that is there
    #[arg(long, requires = "state")]
    pub resume: bool,
    /// Write nothing: check the namespace against a state file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state", "resume"])]
    pub check: Option<PathBuf>,
    /// Do not read everything once more at the end
    #[arg(long, conflicts_with = "check")]
    pub no_sweep: bool,
    /// Both digests, as -H -D
    #[arg(long)]
    pub digest: bool,
    /// Write the result as JSON to a file, or with - to standard output instead of text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Call a method of the target's JSON-RPC socket; without METHOD list the methods
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  qfc rpc                                                 which methods are there?
  qfc rpc nvmf_get_subsystems
  qfc rpc bdev_malloc_create '{\"name\": \"ram1\", \"num_blocks\": 16384, \"block_size\": 4096}'
  qfc rpc -s /var/tmp/other.sock framework_get_reactors
  echo '{\"nqn\": \"nqn.2014-08.org.example:disk\"}' | qfc rpc nvmf_delete_subsystem -")]
pub struct RpcArgs {
    /// Method
    pub method: Option<String>,
    /// Parameters as a JSON object; - reads them from standard input
    pub params: Option<String>,
    /// Socket of the target
    #[arg(short, long, default_value = SOCKET)]
    pub socket: PathBuf,
    /// How long to wait for the answer
    #[arg(long, default_value = "60", value_parser = host::parse_seconds, value_name = "SECONDS")]
    pub timeout: Duration,
}

/// Say what stands between this machine and a working Fibre Channel port, and what mends it
#[derive(Debug, Args)]
#[command(after_help = "\
Looks at adapters, their drivers, IOMMU, hugepages and firmware files; and, if a target runs, at its ports, links, zones, and at
hosts that are turned away. It changes nothing.

Examples:
  qfc doctor
  qfc doctor -s /var/tmp/other.sock
  qfc doctor --json | jq '.findings[] | select(.state == \"problem\")'

Exit status: 0 nothing stands in the way, 1 something does.")]
pub struct DoctorArgs {
    /// Socket of the target
    #[arg(short, long, default_value = SOCKET)]
    pub socket: PathBuf,
    /// JSON-RPC socket of qfc_fabric, if the switch is a process of its own
    #[arg(long, default_value = "/var/tmp/qfc_fabric_rpc.sock", value_name = "SOCKET")]
    pub fabric_socket: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where /sys, /proc and /lib are looked for
    #[arg(long, default_value = "/", value_name = "DIR", hide = true)]
    pub root: PathBuf,
}

fn io_size(text: &str) -> Result<u32, String> {
    match host::parse_bytes(text)? {
        n @ 512..=0x200_0000 => Ok(n as u32),
        _ => Err("an I/O has 512 bytes to 32 MiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Command, String> {
        Cli::try_parse_from(line.split_whitespace()).map(|c| c.command).map_err(|e| e.to_string())
    }

    fn address(line: &str) -> String {
        let asked = |asked| match asked {
            crate::target::Asked::Nvme(address) => address.to_string(),
            crate::target::Asked::Scsi(address) => address.to_string(),
            crate::target::Asked::Iscsi(address) => address.to_string(),
        };
        match parse(line) {
            Ok(Command::Discover(a)) => a.target.discovery().map(asked),
            Ok(Command::Identify(a)) => a.target.any().map(asked),
            Ok(Command::Perf(a)) => a.target.volume(&a.time).map(|a| a.to_string()),
            Ok(Command::Verify(a)) => a.target.volume(&a.time).map(|a| a.to_string()),
            other => panic!("{line}: {other:?}"),
        }
        .unwrap_or_else(|failure| match failure {
            crate::Failure::Text(text) => text,
            _ => panic!("{line}"),
        })
    }

    #[test]
    fn fibre_channel_targets() {
        let port = "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab";
        let discovery = format!("fc://{port}/{}", wire::fabrics::DISCOVERY_NQN);
        assert_eq!(address(&format!("qfc discover -t fc -a {port}")), discovery);
        assert_eq!(address(&format!("qfc discover {port}")), discovery);
        for line in ["-t fc -a PORT -n nqn.a", "fc://PORT/nqn.a", "-a PORT -n nqn.a -t 5 -t fc"] {
            let line = format!("qfc perf {}", line.replace("PORT", port));
            assert_eq!(address(&line), format!("fc://{port}/nqn.a"), "{line}");
        }
        for line in ["perf -t fcp -a PORT --lun 7 -t 5", "verify fcp://PORT/7", "identify -t fcp -a PORT --lun 7"] {
            let line = format!("qfc {}", line.replace("PORT", port));
            assert_eq!(address(&line), format!("fcp://{port}/7"), "{line}");
        }
        assert!(address(&format!("qfc perf -t tcp -a {port} -n nqn.a")).contains("-t tcp"));
        assert!(address("qfc discover -t fc -a 1.2.3.4").contains("nn-0x"));
    }

    #[test]
    fn iscsi_targets() {
        let disk = "iscsi://127.0.0.1:3260/iqn.2016-06.io.spdk:d/7";
        for line in [
            "perf iscsi://127.0.0.1/iqn.2016-06.io.spdk:d/7",
            "perf -t iscsi -a 127.0.0.1 -n iqn.2016-06.io.spdk:d --lun 7 -t 5",
            "verify iscsi://127.0.0.1:3260/iqn.2016-06.io.spdk:d --lun 7",
            "identify -t iscsi -a 127.0.0.1 -s 3260 -n iqn.2016-06.io.spdk:d --lun 7",
            "discover iscsi://127.0.0.1/iqn.2016-06.io.spdk:d/7",
        ] {
            assert_eq!(address(&format!("qfc {line}")), disk, "{line}");
        }
        assert_eq!(address("qfc discover -t iscsi -a ::1"), "iscsi://[::1]:3260");
        assert!(address("qfc perf -t iscsi -a 127.0.0.1").contains("which node"));
        let Ok(Command::Perf(perf)) =
            parse("qfc perf x --initial-r2t --no-immediate-data --maxr2t 4 --initiator iqn.a")
        else {
            panic!()
        };
        let iscsi = perf.connect.options().ok().unwrap().iscsi;
        assert!(iscsi.offer.initial_r2t && !iscsi.offer.immediate_data && iscsi.offer.max_outstanding_r2t == 4);
        assert_eq!(iscsi.initiator.as_deref(), Some("iqn.a"));
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn targets_in_all_forms() {
        let disk = "tcp://127.0.0.1:4420/nqn.2014-08.org.example:d";
        for line in [
            "qfc perf tcp://127.0.0.1:4420/nqn.2014-08.org.example:d",
            "qfc verify 127.0.0.1:4420 nqn.2014-08.org.example:d",
            "qfc identify 127.0.0.1:4420 nqn.2014-08.org.example:d",
            "qfc identify 127.0.0.1 nqn.2014-08.org.example:d",
            "qfc identify -t tcp -a 127.0.0.1 -s 4420 -n nqn.2014-08.org.example:d",
            "qfc perf -a 127.0.0.1 -n nqn.2014-08.org.example:d -t 5 -q 8",
        ] {
            assert_eq!(address(line), disk, "{line}");
        }
        assert_eq!(
            address("qfc discover -a ::1 -s 4420"),
            format!("tcp://[::1]:4420/{}", wire::fabrics::DISCOVERY_NQN)
        );
        assert_eq!(
            address("qfc discover -a 127.0.0.1"),
            format!("tcp://127.0.0.1:8009/{}", wire::fabrics::DISCOVERY_NQN)
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(address("qfc perf").contains("which target?"));
        assert!(
            address("qfc perf 127.0.0.1:4420").contains("which subsystem")
                && address("qfc verify 127.0.0.1:4420").contains("qfc discover")
        );
        assert!(address("qfc identify rdma://1.2.3.4:4420/nqn.x").contains("tcp"));
        for (line, word) in [
            ("qfc discover -t rdma -a 1.2.3.4", "tcp"),
            ("qfc perf x -t soon", "soon"),
            ("qfc perf x -o 100", "512 bytes"),
            ("qfc perf x -o 4q", "unit"),
            ("qfc perf x -q 0", "0"),
            ("qfc perf x --mix 101", "101"),
            ("qfc verify x --resume", "--state"),
            ("qfc verify x --check a --state b", "cannot be used"),
            ("qfc perf x -a 1.2.3.4", "cannot be used"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(word), "{line}: {error}");
        }
    }

    #[test]
    fn numbers_and_digests() {
        let Ok(Command::Perf(p)) = parse(
            "qfc perf x -w randrw --mix 30 -q 128 -P 4 -o 128k -t 1.5 --warmup 0 --core 1 -H -D --json - --hpda 7",
        ) else {
            panic!()
        };
        assert_eq!((p.io_size, p.depth, p.queues, p.mix, p.core), (131_072, 128, 4, 30, Some(1)));
        assert_eq!((crate::target::time_of(&p.time), p.warmup), (Duration::from_millis(1500), Duration::ZERO));
        let options = p.connect.options().ok().unwrap();
        assert!(options.link.hdgst && options.link.ddgst && options.link.strict && options.link.hpda == 7);
        let Ok(Command::Discover(d)) =
            parse("qfc discover -a 1.2.3.4 --nqn-host nqn.2014-08.org.example:h -o json --lenient")
        else {
            panic!()
        };
        let options = d.connect.options().ok().unwrap();
        assert_eq!(
            (options.host.nqn.as_str(), options.link.strict, d.output),
            ("nqn.2014-08.org.example:h", false, Output::Json)
        );
    }
}
