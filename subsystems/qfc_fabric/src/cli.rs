//! The command line.

use crate::hba::{self, HbaArg};
use app::cpumask;
use clap::{ArgAction, Parser};
use serde_json::json;
use std::path::PathBuf;

/// Where ports find the fabric unless something else is said.
const SOCKET: &str = "/var/tmp/qfc_fabric.sock";

/// Where the JSON-RPC server listens unless something else is said: not where the target's does.
const RPC_SOCKET: &str = "/var/tmp/qfc_fabric_rpc.sock";

const ABOUT: &str = "A Fibre Channel switch in software: ports attach by a Unix socket, by FCoE, or as virtual QLE2742 adapters of guests.";

const EXAMPLES: &str = "\
Examples:
  qfc_fabric                          ports find it at unix:/var/tmp/qfc_fabric.sock
  qfc_fabric -l /run/san_a.sock       the same elsewhere; -l may be given several times
  qfc_fabric -i eth1                  FCoE on an interface as well (needs CAP_NET_RAW)
  qfc_fabric --hba /run/vm1.sock      a virtual adapter for QEMU's vfio-user-pci; may be given several times
  qfc_fabric --hba /run/vm1.sock,wwpn=21000024ff0a0001,priority=nvme
  qfc_fabric -c fabric.json           what a file says: fabric_create, fabric_zone_create, fabric_listen, ...
  scripts/rpc.py -s /var/tmp/qfc_fabric_rpc.sock fabric_get_ports
  scripts/rpc.py -s /var/tmp/qfc_fabric_rpc.sock save_config > fabric.json

The first SIGTERM or SIGINT takes the links down and stops in order, the second stops at once.
";

/// The command line of the switch.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "qfc_fabric", version, about = ABOUT, after_help = EXAMPLES, disable_version_flag = true)]
pub struct Cli {
    /// Configuration file: JSON as save_config writes it
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["listen", "interface", "hba"])]
    pub config: Option<PathBuf>,
    /// Check the configuration file, print its calls, start nothing
    #[arg(long)]
    pub check: bool,
    /// Unix socket for ports; may be given several times [default without -c: /var/tmp/qfc_fabric.sock]
    #[arg(short, long, value_name = "PATH")]
    pub listen: Vec<PathBuf>,
    /// Network interface for FCoE; may be given several times
    #[arg(short, long, value_name = "NAME")]
    pub interface: Vec<String>,
    /// Socket for a guest's virtual adapter, with keys name, wwpn, wwnn, priority (fcp, nvme), model, serial, vectors
    #[arg(long, value_name = "SOCKET[,KEY=VALUE...]", value_parser = hba::parse)]
    pub hba: Vec<HbaArg>,
    /// Unix socket of the JSON-RPC server
    #[arg(short, long, value_name = "PATH", default_value = RPC_SOCKET)]
    pub rpc_socket: PathBuf,
    /// Cores to run on: a hexadecimal mask (0x1) or a list in brackets (0,2) [default: 0x1]
    #[arg(short = 'm', long, value_name = "MASK", value_parser = cpumask::parse)]
    pub cpumask: Option<Cores>,
    /// What a core without work does [default: adaptive]
    #[arg(long, value_name = "POLICY", value_enum)]
    pub idle: Option<app::IdleArg>,
    /// Write all log lines of this part (fabric, rpc, all); may be given several times
    #[arg(short = 'L', long, value_name = "FLAG")]
    pub logflag: Vec<String>,
    /// Write warnings and errors only
    #[arg(long)]
    pub silence_noticelog: bool,
    /// Print a completion script for this shell
    #[arg(long, value_name = "SHELL")]
    pub completions: Option<clap_complete::Shell>,
    /// Print the manual page (roff: pipe it into man -l -)
    #[arg(long)]
    pub man: bool,
    /// Print the version
    #[arg(short, long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

/// A list of cores from a mask. (A name of its own, because clap reads a bare `Vec` as «may be given several times».)
pub type Cores = std::vec::Vec<usize>;

impl Cli {
    /// The configuration without a file: one fabric, and the doors and adapters that were named.
    pub fn default_config(&self) -> String {
        let usual = [PathBuf::from(SOCKET)];
        let none = self.listen.is_empty() && self.interface.is_empty();
        let paths = if none { &usual[..] } else { &self.listen[..] };
        let mut calls = vec![json!({ "method": "fabric_create", "params": {} })];
        let listen = |params| json!({ "method": "fabric_listen", "params": params });
        calls.extend(
            paths.iter().map(|path| listen(json!({ "path": std::path::absolute(path).unwrap_or(path.clone()) }))),
        );
        calls.extend(self.interface.iter().map(|interface| listen(json!({ "interface": interface }))));
        let create = |hba: &HbaArg| json!({ "method": "fabric_hba_create", "params": hba.params() });
        calls.extend(self.hba.iter().map(create));
        json!({ "subsystems": [{ "subsystem": "fabric", "config": calls }] }).to_string()
    }

    /// What that is for the frame of all our programs. The switch has no I/O memory, and its virtual adapters take ordinary memory, so no hugepages are taken.
    pub fn into_app(self) -> app::Cli {
        app::Cli {
            default_config: self.config.is_none(),
            config: self.config,
            check: self.check,
            rpc_socket: Some(self.rpc_socket),
            cpumask: self.cpumask,
            idle: self.idle,
            logflag: self.logflag,
            silence_noticelog: self.silence_noticelog,
            no_huge: true,
            ..app::Cli::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound_and_every_option_is_explained() {
        let command = Cli::command();
        command.clone().debug_assert();
        assert!(command.get_arguments().all(|argument| argument.get_help().is_some()));
    }

    #[test]
    fn the_command_line_becomes_calls() {
        let line =
            ["qfc_fabric", "-l", "/run/a", "-l", "/run/b", "-i", "eth1", "-m", "0x6", "--hba", "/run/vm,name=one"];
        let cli = Cli::try_parse_from(line).unwrap();
        let text = cli.default_config();
        for part in ["fabric_create", "/run/a", "/run/b", "eth1", "fabric_hba_create", "/run/vm", "one"] {
            assert!(text.contains(part), "{text}");
        }
        let app = cli.into_app();
        assert_eq!((app.cpumask, app.default_config, app.no_huge), (Some(vec![1, 2]), true, true));
        let plain = Cli::try_parse_from(["qfc_fabric"]).unwrap();
        assert!(plain.default_config().contains(SOCKET));
        assert!(Cli::try_parse_from(["qfc_fabric", "-c", "x", "-l", "y"]).is_err());
        assert!(Cli::try_parse_from(["qfc_fabric", "-c", "x", "--hba", "/y"]).is_err());
        assert!(Cli::try_parse_from(["qfc_fabric", "--hba", "/y,colour=red"]).is_err());
    }
}
