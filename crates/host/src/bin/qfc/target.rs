//! Which target, and how to connect to it.

use crate::Failure;
use clap::Args;
use host::{Address, Identity, LinkOptions, Options};
use std::time::Duration;

/// Target of commands where -t and -q are free for what they mean in nvme-cli.
#[derive(Debug, Args)]
pub struct PlainTarget {
    /// tcp://ADDRESS:PORT/NQN, or ADDRESS:PORT
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Subsystem, if TARGET does not name it
    #[arg(value_name = "NQN")]
    pub subsystem: Option<String>,
    /// Transport; tcp is the only one
    #[arg(short = 't', long, default_value = "tcp", value_parser = ["tcp"], hide_possible_values = true)]
    pub transport: String,
    /// Address of the target: IPv4, IPv6 or a name
    #[arg(short = 'a', long, conflicts_with = "target")]
    pub traddr: Option<String>,
    /// Port of the target [default: 4420, for discovery 8009]
    #[arg(short = 's', long, requires = "traddr")]
    pub trsvcid: Option<u16>,
    /// Subsystem
    #[arg(short = 'n', long, conflicts_with = "subsystem")]
    pub nqn: Option<String>,
}

/// Target of commands where -t is a time and -q a depth.
#[derive(Debug, Args)]
pub struct LoadTarget {
    /// tcp://ADDRESS:PORT/NQN, or ADDRESS:PORT
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Subsystem, if TARGET does not name it
    #[arg(value_name = "NQN")]
    pub subsystem: Option<String>,
    /// Address of the target: IPv4, IPv6 or a name
    #[arg(short = 'a', long, conflicts_with = "target")]
    pub traddr: Option<String>,
    /// Port of the target [default: 4420]
    #[arg(short = 's', long, requires = "traddr")]
    pub trsvcid: Option<u16>,
    /// Subsystem
    #[arg(short = 'n', long, conflicts_with = "subsystem")]
    pub nqn: Option<String>,
}

/// How to connect: the same for all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// Who to be [default: /etc/nvme/hostnqn, or derived from the machine ID]
    #[arg(long, visible_alias = "nqn-host", value_name = "NQN")]
    pub hostnqn: Option<String>,
    /// Host identifier, a UUID [default: /etc/nvme/hostid, or that of the host NQN]
    #[arg(long, value_name = "UUID")]
    pub hostid: Option<String>,
    /// Header digests
    #[arg(short = 'H', long, visible_alias = "hdr-digest")]
    pub header_digest: bool,
    /// Data digests
    #[arg(short = 'D', long, visible_alias = "data-digest")]
    pub data_digest: bool,
    /// Alignment of data to the host (HPDA): multiples of (N + 1) * 4 bytes
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=31), value_name = "N")]
    pub hpda: u8,
    /// R2Ts that a command may have at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65536), value_name = "N")]
    pub maxr2t: u32,
    /// How long to wait for a connection or the answer to a control command
    #[arg(long, default_value = "10", value_parser = host::parse_seconds, value_name = "SECONDS")]
    pub timeout: Duration,
    /// Overlook what does no harm, such as reserved fields that are not zero
    #[arg(long)]
    pub lenient: bool,
}

impl ConnectArgs {
    /// As the library has it.
    pub fn options(&self) -> Result<Options, Failure> {
        let host = Identity::new(self.hostnqn.as_deref(), self.hostid.as_deref())?;
        let link = LinkOptions {
            hdgst: self.header_digest,
            ddgst: self.data_digest,
            hpda: self.hpda,
            maxr2t: self.maxr2t,
            timeout: self.timeout,
            strict: !self.lenient,
        };
        Ok(Options { host, link, ..Options::default() })
    }
}

/// The three ways to name a target, in one.
struct Parts<'a> {
    target: Option<&'a str>,
    nqn: Option<&'a str>,
    traddr: Option<&'a str>,
    trsvcid: Option<u16>,
}

impl Parts<'_> {
    fn address(&self, subsystem: bool) -> Result<Address, Failure> {
        let mut address = match (self.target, self.traddr) {
            (Some(text), _) => text.parse().map_err(|e: host::AddressError| e.to_string())?,
            (None, Some(traddr)) => {
                let nqn = self.nqn.unwrap_or(wire::fabrics::DISCOVERY_NQN);
                let default = if subsystem { wire::limits::NVME_PORT } else { wire::limits::DISCOVERY_PORT };
                Address::new(traddr, self.trsvcid.unwrap_or(default), nqn).map_err(|e| e.to_string())?
            }
            (None, None) => {
                return Err(Failure::Text(
                    "which target? Say tcp://127.0.0.1:4420/nqn..., or -a ADDRESS -s PORT -n NQN".to_owned(),
                ));
            }
        };
        if let Some(nqn) = self.nqn {
            if address.is_discovery() && self.target.is_some_and(|t| !t.contains(':')) {
                address.socket.set_port(wire::limits::NVME_PORT);
            }
            nqn.clone_into(&mut address.nqn);
        }
        if subsystem && address.is_discovery() {
            let at = address.socket;
            return Err(Failure::Text(format!(
                "which subsystem of {at}? `qfc discover {at}` lists them; then tcp://{at}/NQN, or -n NQN"
            )));
        }
        Ok(address)
    }
}

impl PlainTarget {
    fn parts(&self) -> Parts<'_> {
        Parts {
            target: self.target.as_deref(),
            nqn: self.nqn.as_deref().or(self.subsystem.as_deref()),
            traddr: self.traddr.as_deref(),
            trsvcid: self.trsvcid,
        }
    }

    /// The discovery service there.
    pub fn discovery(&self) -> Result<Address, Failure> {
        Ok(self.parts().address(false)?.discovery())
    }

    /// Any controller there, the discovery service if none is named.
    pub fn any(&self) -> Result<Address, Failure> {
        let discovery = self.nqn.as_deref() == Some(wire::fabrics::DISCOVERY_NQN)
            || self.target.as_deref().is_some_and(|t| t.ends_with(wire::fabrics::DISCOVERY_NQN));
        self.parts().address(!discovery)
    }
}

impl LoadTarget {
    /// The subsystem there.
    pub fn subsystem(&self) -> Result<Address, Failure> {
        let nqn = self.nqn.as_deref().or(self.subsystem.as_deref());
        Parts { target: self.target.as_deref(), nqn, traddr: self.traddr.as_deref(), trsvcid: self.trsvcid }
            .address(true)
    }
}
