//! The command line of the target.

use crate::options::{Idle, Options, SPIN};
use crate::{cpumask, exit};
use clap::{ArgAction, Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "Serves block volumes over Fibre Channel (FCP, FC-NVMe) and NVMe/TCP from user space; configured by a file, live over JSON-RPC.";

const EXAMPLES: &str = "\
Examples:
  qfc_tgt -c qfc.conf -g             serve what qfc.conf says; one hugepage file for all memory
  qfc_tgt --check -c qfc.conf        say what is wrong with qfc.conf and what it means, start nothing
  qfc_tgt --default-config --no-huge try it out with ordinary memory
  qfc_tgt -m 0xC -c qfc.conf         run on cores 2 and 3
  qfc_tgt -m '[2,3]' -c qfc.conf     the same
  scripts/rpc.py bdev_get_bdevs      ask the running target (SPDK's own rpc.py works as well)

What the command line says wins over [Global] of the file, and that over the defaults.
The first SIGTERM or SIGINT tells the hosts and stops in order, the second stops at once.
";

/// What an idle core does (`--idle`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IdleArg {
    /// Poll always: shortest latency, 100 % of each core.
    Spin,
    /// Poll while there is work and a little longer, then sleep until something happens.
    Adaptive,
}

/// The command line of the target.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "qfc_tgt", version, about = ABOUT, after_help = EXAMPLES, disable_version_flag = true)]
#[command(after_long_help = format!("{EXAMPLES}\n{}", exit::MANUAL))]
pub struct Cli {
    /// Configuration file: qfc.conf (INI), or SPDK's JSON when it starts with '{'
    #[arg(short, long, value_name = "FILE", visible_alias = "json", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Use the built-in default configuration instead of a file
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    pub default_config: bool,
    /// Check the configuration, print it as JSON calls, start nothing
    #[arg(long, help_heading = "Configuration")]
    pub check: bool,
    /// Unix socket of the JSON-RPC server [default: /var/tmp/qfc.sock]
    #[arg(short, long, value_name = "PATH", help_heading = "Control")]
    pub rpc_socket: Option<PathBuf>,
    /// Wait for framework_start_init on the RPC socket before starting
    #[arg(long, help_heading = "Control")]
    pub wait_for_rpc: bool,
    /// Cores to run on: a hexadecimal mask (0x3) or a list ([0-3,5]) [default: 0x1]
    #[arg(short = 'm', long, value_name = "MASK", value_parser = cpumask::parse, help_heading = "Cores")]
    pub cpumask: Option<Cores>,
    /// The core that leads; one of the mask [default: the lowest]
    #[arg(short = 'p', long, value_name = "CORE", help_heading = "Cores")]
    pub main_core: Option<usize>,
    /// What a core without work does [default: adaptive]
    #[arg(long, value_name = "POLICY", value_enum, help_heading = "Cores")]
    pub idle: Option<IdleArg>,
    /// Put all memory into exactly one hugepage file
    #[arg(short = 'g', long, help_heading = "Memory")]
    pub single_file_segments: bool,
    /// Memory to map at start: MiB, or with a suffix (512, 512M, 2G) [default: what the configuration needs]
    #[arg(short = 's', long, value_name = "MIB", value_parser = mebibytes, help_heading = "Memory")]
    pub mem_size: Option<u64>,
    /// Use ordinary memory instead of hugepages
    #[arg(long, help_heading = "Memory")]
    pub no_huge: bool,
    /// Put the hugepage files into this hugetlbfs mount
    #[arg(long, value_name = "DIR", conflicts_with = "no_huge", help_heading = "Memory")]
    pub huge_dir: Option<PathBuf>,
    /// PCI function that may be used, e.g. 0000:04:00.0; may be given several times (old name: -W)
    #[arg(
        short = 'A',
        long,
        value_name = "BDF",
        short_alias = 'W',
        conflicts_with = "pci_blocked",
        help_heading = "Devices"
    )]
    pub pci_allowed: Vec<String>,
    /// PCI function that must not be used; may be given several times
    #[arg(short = 'B', long, value_name = "BDF", help_heading = "Devices")]
    pub pci_blocked: Vec<String>,
    /// Use no PCI function at all
    #[arg(short = 'u', long, help_heading = "Devices")]
    pub no_pci: bool,
    /// Write all log lines of this part (nvmf, nvmf_tcp, bdev, rpc, ..., all); may be given several times
    #[arg(short = 'L', long, value_name = "FLAG", help_heading = "Log")]
    pub logflag: Vec<String>,
    /// Write warnings and errors only
    #[arg(long, help_heading = "Log")]
    pub silence_noticelog: bool,
    /// Trace groups to switch on, a hexadecimal mask
    #[arg(short = 'e', long, value_name = "MASK", help_heading = "Log")]
    pub tpoint_group: Option<String>,
    /// Print a completion script for this shell
    #[arg(long, value_name = "SHELL", help_heading = "About")]
    pub completions: Option<clap_complete::Shell>,
    /// Print the manual page (roff: pipe it into man -l -)
    #[arg(long, help_heading = "About")]
    pub man: bool,
    /// Print the version
    #[arg(short, long, action = ArgAction::Version, help_heading = "About")]
    pub version: Option<bool>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of the help")]
    pub legacy: Legacy,
}

/// Options of SPDK applications that have nothing to switch here: accepted with a notice, so that scripts go on working.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Accepted for SPDK's sake, without effect")]
pub struct Legacy {
    /// Shared memory ID
    #[arg(short = 'i', long, value_name = "ID", hide_short_help = true)]
    pub shm_id: Option<i64>,
    /// Memory channels
    #[arg(short = 'n', long, value_name = "COUNT", hide_short_help = true)]
    pub mem_channels: Option<u64>,
    /// Do not set the limit of core dumps
    #[arg(short = 'd', long, hide_short_help = true)]
    pub limit_coredump: bool,
    /// Unlink the hugepage files after start (they have no name here)
    #[arg(short = 'R', long, hide_short_help = true)]
    pub huge_unlink: bool,
    /// Maximum delay of a reactor in microseconds
    #[arg(long, value_name = "US", hide_short_help = true)]
    pub max_delay: Option<u64>,
    /// Entries of the trace ring
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    pub num_trace_entries: Option<u64>,
}

/// A list of cores from a mask. (A name of its own, because clap reads a bare `Vec` as «may be given several times».)
pub type Cores = std::vec::Vec<usize>;

fn mebibytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(split);
    let number: u64 = digits.parse().map_err(|_| "a number of MiB, e.g. 512".to_owned())?;
    let mib = match suffix.to_ascii_uppercase().as_str() {
        "" | "M" | "MB" | "MIB" => Some(number),
        "G" | "GB" | "GIB" => number.checked_mul(1024),
        _ => return Err(format!("unknown unit {suffix:?}: use M or G")),
    };
    mib.filter(|mib| (1..1 << 30).contains(mib)).ok_or_else(|| "from 1 MiB on".to_owned())
}

impl Cli {
    /// The effective options: the command line over those of the file over the defaults.
    ///
    /// # Errors
    /// A value of the file that cannot be used, or a main core outside the mask.
    pub fn effective(&self, file: &conf::StartOptions) -> Result<Options, String> {
        let cores = self.cores(file)?;
        let main_core = self.main_core.unwrap_or(cores[0]);
        if !cores.contains(&main_core) {
            return Err(format!("main core {main_core} is not in the core mask {}", cpumask::format(cores)));
        }
        let defaults = Options::default();
        Ok(Options {
            config: self.config.clone(),
            cores,
            main_core,
            mem_mib: self.mem_size,
            huge: !self.no_huge,
            huge_dir: self.huge_dir.clone(),
            single_file: self.single_file_segments,
            rpc_socket: self
                .rpc_socket
                .clone()
                .or(file.rpc_listen.clone().map(Into::into))
                .unwrap_or(defaults.rpc_socket),
            wait_for_rpc: self.wait_for_rpc,
            idle: self.idle(file),
            trace_mask: self.tpoint_group.clone().or(file.tpoint_group_mask.clone()),
            log_flags: self.logflag.clone(),
            no_pci: self.no_pci || file.no_pci.unwrap_or(false),
            pci_allowed: first_given(&self.pci_allowed, &file.pci_allowed),
            pci_blocked: first_given(&self.pci_blocked, &file.pci_blocked),
        })
    }

    fn cores(&self, file: &conf::StartOptions) -> Result<Vec<usize>, String> {
        match (&self.cpumask, &file.reactor_mask) {
            (Some(cores), _) => Ok(cores.clone()),
            (None, Some(mask)) => cpumask::parse(mask).map_err(|error| format!("[Global] ReactorMask {mask}: {error}")),
            (None, None) => Ok(Options::default().cores),
        }
    }

    fn idle(&self, file: &conf::StartOptions) -> Idle {
        let spin = file.idle_spin_us.map_or(SPIN, Duration::from_micros);
        let spins = match (self.idle, file.idle) {
            (Some(idle), _) => idle == IdleArg::Spin,
            (None, idle) => idle == Some(conf::Idle::Spin),
        };
        if spins { Idle::Spin } else { Idle::Adaptive(spin) }
    }

    /// What of the command line has no effect, in sentences.
    pub fn notices(&self) -> Vec<&'static str> {
        let legacy = &self.legacy;
        let given = [
            (legacy.shm_id.is_some(), "-i/--shm-id: there is no shared memory to name"),
            (legacy.mem_channels.is_some(), "-n/--mem-channels: memory is not interleaved by hand"),
            (legacy.limit_coredump, "-d/--limit-coredump: the limit of core dumps is never changed"),
            (legacy.huge_unlink, "-R/--huge-unlink: the memory files have no name after start anyway"),
            (legacy.max_delay.is_some(), "--max-delay: reactors are not watched this way"),
            (legacy.num_trace_entries.is_some(), "--num-trace-entries: there is no trace ring"),
            (self.tpoint_group.is_some(), "-e/--tpoint-group: there are no trace points yet"),
        ];
        given.iter().filter(|(given, _)| *given).map(|(_, text)| *text).collect()
    }
}

fn first_given(command_line: &[String], file: &[String]) -> Vec<String> {
    if command_line.is_empty() { file.to_vec() } else { command_line.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn cli(arguments: &[&str]) -> Cli {
        Cli::try_parse_from([&["qfc_tgt"], arguments].concat()).unwrap()
    }

    fn effective(arguments: &[&str], file: &conf::StartOptions) -> Options {
        cli(arguments).effective(file).unwrap()
    }

    #[test]
    fn the_definition_is_sound_and_every_option_is_explained() {
        let command = Cli::command();
        command.clone().debug_assert();
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} has no help", argument.get_id());
        }
    }

    #[test]
    fn the_command_of_the_field_reports_works() {
        let options = effective(&["-c", "qfc.conf", "-g"], &conf::StartOptions::default());
        assert_eq!(options.config, Some("qfc.conf".into()));
        assert!(options.single_file && options.huge);
        assert_eq!((options.cores, options.rpc_socket), (vec![0], "/var/tmp/qfc.sock".into()));
    }

    #[test]
    fn command_line_over_file_over_defaults() {
        let file = conf::StartOptions {
            reactor_mask: Some("0x6".into()),
            rpc_listen: Some("/run/file.sock".into()),
            idle: Some(conf::Idle::Spin),
            pci_blocked: vec!["0000:01:00.0".into()],
            ..Default::default()
        };
        let options = effective(&[], &file);
        assert_eq!((options.cores.as_slice(), options.main_core, options.idle), (&[1, 2][..], 1, Idle::Spin));
        assert_eq!((options.rpc_socket, options.pci_blocked.len()), ("/run/file.sock".into(), 1));
        let options = effective(&["-m", "[3,4]", "-p", "4", "-r", "/run/line.sock", "--idle", "adaptive"], &file);
        assert_eq!((options.cores.as_slice(), options.main_core), (&[3, 4][..], 4));
        assert_eq!((options.rpc_socket, options.idle), ("/run/line.sock".into(), Idle::Adaptive(SPIN)));
        let file = conf::StartOptions { idle_spin_us: Some(7), ..Default::default() };
        assert_eq!(effective(&[], &file).idle, Idle::Adaptive(Duration::from_micros(7)));
    }

    #[test]
    fn old_spellings_are_accepted() {
        let line = [
            "--json",
            "x.json",
            "-i",
            "0",
            "-n",
            "4",
            "-d",
            "-u",
            "-R",
            "--silence-noticelog",
            "--max-delay",
            "1",
            "--num-trace-entries",
            "32",
            "-s",
            "2G",
            "-W",
            "0000:04:00.0",
            "-e",
            "0x10",
            "-L",
            "nvmf",
            "-L",
            "rpc",
        ];
        let cli = cli(&line);
        let options = cli.effective(&conf::StartOptions::default()).unwrap();
        assert_eq!((options.mem_mib, options.log_flags.len(), options.pci_allowed.len()), (Some(2048), 2, 1));
        assert_eq!((options.no_pci, cli.notices().len()), (true, 7));
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in [
            &["-m", "0"][..],
            &["-m", "zz"],
            &["-s", "0"],
            &["-s", "5T"],
            &["--idle", "sleep"],
            &["-c"],
            &["--default-config", "-c", "x"],
            &["--huge-dir", "/x", "--no-huge"],
            &["--nonsense"],
            &["stray"],
        ] {
            let error = Cli::try_parse_from([&["qfc_tgt"], line].concat()).expect_err(&line.join(" "));
            assert_eq!(error.exit_code(), 2, "{line:?}");
        }
        assert!(cli(&["-m", "3", "-p", "2"]).effective(&conf::StartOptions::default()).is_err());
    }
}
