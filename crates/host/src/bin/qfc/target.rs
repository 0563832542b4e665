//! Which target, and how to connect to it.

use crate::Failure;
use clap::Args;
use host::{
    Address, FcOptions, Identity, IscsiAddress, IscsiOptions, LinkOptions, Options, Place, ScsiAddress, VolumeAddress,
};
use std::path::PathBuf;
use std::time::Duration;

/// What carries the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// NVMe over TCP
    Tcp,
    /// NVMe over Fibre Channel
    Fc,
    /// SCSI over Fibre Channel
    Fcp,
    /// SCSI over TCP
    Iscsi,
}

/// Target of commands where -t and -q are free for what they mean in nvme-cli.
#[derive(Debug, Args)]
pub struct PlainTarget {
    /// tcp://ADDRESS:PORT/NQN, ADDRESS:PORT, fc://nn-0x...:pn-0x.../NQN, fcp://nn-0x...:pn-0x.../LUN, or iscsi://ADDRESS/IQN/LUN
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Subsystem or iSCSI node, if TARGET does not name it
    #[arg(value_name = "NQN")]
    pub subsystem: Option<String>,
    /// Transport [default: what the address looks like]
    #[arg(short = 't', long, value_enum)]
    pub transport: Option<Transport>,
    /// Address of the target: IPv4, IPv6, a name, or nn-0x...:pn-0x...
    #[arg(short = 'a', long, conflicts_with = "target")]
    pub traddr: Option<String>,
    /// Port of the target, for TCP [default: 4420, for discovery 8009, for iSCSI 3260]
    #[arg(short = 's', long, requires = "traddr")]
    pub trsvcid: Option<u16>,
    /// Subsystem, or iSCSI node
    #[arg(short = 'n', long, conflicts_with = "subsystem")]
    pub nqn: Option<String>,
    /// Logical unit, with -t fcp and -t iscsi
    #[arg(long, default_value_t = 0, value_name = "LUN")]
    pub lun: u16,
}

/// A time, or (because -t means both, here and in nvme-cli) a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrTransport {
    /// So long.
    Time(Duration),
    /// This one.
    Transport(Transport),
}

/// Reads either.
pub fn time_or_transport(text: &str) -> Result<TimeOrTransport, String> {
    match <Transport as clap::ValueEnum>::from_str(text, true) {
        Ok(transport) => Ok(TimeOrTransport::Transport(transport)),
        Err(_) => host::parse_seconds(text).map(TimeOrTransport::Time),
    }
}

/// How long, of what -t said; 10 seconds otherwise.
pub fn time_of(said: &[TimeOrTransport]) -> Duration {
    let time = |said: &TimeOrTransport| match said {
        TimeOrTransport::Time(time) => Some(*time),
        TimeOrTransport::Transport(_) => None,
    };
    said.iter().find_map(time).unwrap_or(Duration::from_secs(10))
}

/// The transport, of what -t said.
pub fn transport_of(said: &[TimeOrTransport]) -> Option<Transport> {
    said.iter().find_map(|said| match said {
        TimeOrTransport::Transport(transport) => Some(*transport),
        TimeOrTransport::Time(_) => None,
    })
}

/// Target of commands where -t is (also) a time and -q a depth.
#[derive(Debug, Args)]
pub struct LoadTarget {
    /// tcp://ADDRESS:PORT/NQN, ADDRESS:PORT, fc://nn-0x...:pn-0x.../NQN, fcp://nn-0x...:pn-0x.../LUN, or iscsi://ADDRESS/IQN/LUN
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Subsystem or iSCSI node, if TARGET does not name it
    #[arg(value_name = "NQN")]
    pub subsystem: Option<String>,
    /// Address of the target: IPv4, IPv6, a name, or nn-0x...:pn-0x...
    #[arg(short = 'a', long, conflicts_with = "target")]
    pub traddr: Option<String>,
    /// Port of the target, for TCP [default: 4420, for iSCSI 3260]
    #[arg(short = 's', long, requires = "traddr")]
    pub trsvcid: Option<u16>,
    /// Subsystem, or iSCSI node
    #[arg(short = 'n', long, conflicts_with = "subsystem")]
    pub nqn: Option<String>,
    /// Logical unit, with -t fcp and -t iscsi
    #[arg(long, default_value_t = 0, value_name = "LUN")]
    pub lun: u16,
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
    /// Fibre Channel: the fabric to log in with
    #[arg(long, default_value = host::DEFAULT_FABRIC, value_name = "LINK")]
    pub fabric: String,
    /// Fibre Channel: names of this host's port, nn-0x...:pn-0x... [default: derived from the host identifier]
    #[arg(long, visible_alias = "host-traddr", value_name = "NAMES")]
    pub host_port: Option<fc::Names>,
    /// iSCSI: who to be [default: as in /etc/iscsi/initiatorname.iscsi, or made of the host identifier]
    #[arg(long, value_name = "IQN")]
    pub initiator: Option<String>,
    /// iSCSI: a file (mode 600) with the user and secret of CHAP, written as a target's AuthFile with one user
    #[arg(long, value_name = "FILE")]
    pub chap_file: Option<PathBuf>,
    /// iSCSI: send data only when it is asked for (InitialR2T=Yes)
    #[arg(long)]
    pub initial_r2t: bool,
    /// iSCSI: no data with the command (ImmediateData=No)
    #[arg(long)]
    pub no_immediate_data: bool,
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
        let fc = FcOptions { fabric: self.fabric.clone(), names: self.host_port };
        Ok(Options { host, link, fc, iscsi: self.iscsi()?, ..Options::default() })
    }

    fn iscsi(&self) -> Result<IscsiOptions, Failure> {
        let mut options = IscsiOptions { initiator: self.initiator.clone(), ..IscsiOptions::usual() };
        options.proof = self.chap_file.as_deref().map(host::iscsi::proof_from).transpose()?;
        options.offer.initial_r2t = self.initial_r2t;
        options.offer.immediate_data = !self.no_immediate_data;
        options.offer.max_outstanding_r2t = self.maxr2t.min(65_535) as u16;
        Ok(options)
    }
}

/// The three ways to name a target, in one.
struct Parts<'a> {
    target: Option<&'a str>,
    nqn: Option<&'a str>,
    traddr: Option<&'a str>,
    trsvcid: Option<u16>,
    transport: Option<Transport>,
    lun: u16,
}

const WHICH: &str = "which target? Say tcp://127.0.0.1:4420/nqn..., or -a ADDRESS -s PORT -n NQN, or for Fibre Channel \
                     -t fc -a nn-0x...:pn-0x... -n NQN, or for iSCSI iscsi://127.0.0.1/iqn.../0";

impl Parts<'_> {
    /// As a logical unit, if that is meant.
    fn scsi(&self) -> Result<Option<ScsiAddress>, Failure> {
        let text = self.target.or(self.traddr).unwrap_or_default();
        if self.transport != Some(Transport::Fcp) && !text.starts_with("fcp://") {
            return Ok(None);
        }
        if text.is_empty() {
            return Err(Failure::Text(WHICH.to_owned()));
        }
        let mut address: ScsiAddress = text.parse().map_err(|e: host::AddressError| e.to_string())?;
        if self.lun != 0 {
            address.lun = self.lun;
        }
        Ok(Some(address))
    }

    /// As an iSCSI node (with `node`) or portal, if that is meant.
    fn iscsi(&self, node: bool) -> Result<Option<IscsiAddress>, Failure> {
        let text = self.target.or(self.traddr).unwrap_or_default();
        if self.transport != Some(Transport::Iscsi) && !text.starts_with("iscsi://") {
            return Ok(None);
        }
        if text.is_empty() {
            return Err(Failure::Text(WHICH.to_owned()));
        }
        let mut address: IscsiAddress = text.parse().map_err(|e: host::AddressError| e.to_string())?;
        if let Some(port) = self.trsvcid {
            address.portal.set_port(port);
        }
        if let Some(name) = self.nqn {
            name.clone_into(&mut address.node);
        }
        if self.lun != 0 {
            address.lun = self.lun;
        }
        if node && address.node.is_empty() {
            let at = address.portal;
            return Err(Failure::Text(format!(
                "which node of {at}? `qfc discover -t iscsi -a {at}` lists them; then iscsi://{at}/IQN/LUN, or -n IQN"
            )));
        }
        Ok(Some(address))
    }

    fn address(&self, subsystem: bool) -> Result<Address, Failure> {
        let mut address = match (self.target, self.traddr) {
            (Some(text), _) => text.parse().map_err(|e: host::AddressError| e.to_string())?,
            (None, Some(traddr)) => {
                let nqn = self.nqn.unwrap_or(wire::fabrics::DISCOVERY_NQN);
                let default = if subsystem { wire::limits::NVME_PORT } else { wire::limits::DISCOVERY_PORT };
                Address::new(traddr, self.trsvcid.unwrap_or(default), nqn).map_err(|e| e.to_string())?
            }
            (None, None) => return Err(Failure::Text(WHICH.to_owned())),
        };
        self.check_transport(&address)?;
        if let Some(nqn) = self.nqn {
            let no_port = address.is_discovery() && self.target.is_some_and(|t| !t.contains(':'));
            if let (Place::Tcp(socket), true) = (&mut address.place, no_port) {
                socket.set_port(wire::limits::NVME_PORT);
            }
            nqn.clone_into(&mut address.nqn);
        }
        if subsystem && address.is_discovery() {
            let at = address.place;
            return Err(Failure::Text(format!(
                "which subsystem of {at}? `qfc discover {at}` lists them; then {at}/NQN, or -n NQN"
            )));
        }
        Ok(address)
    }

    fn check_transport(&self, address: &Address) -> Result<(), Failure> {
        let wrong = match (self.transport, address.place) {
            (Some(Transport::Tcp), Place::Fc(_)) => "-t tcp, but the address is one of Fibre Channel",
            (Some(Transport::Fc), Place::Tcp(_)) => {
                "-t fc wants an address like nn-0x20000024ff7799ab:pn-0x21000024ff7799ab"
            }
            _ => return Ok(()),
        };
        Err(Failure::Text(wrong.to_owned()))
    }

    fn volume(&self) -> Result<VolumeAddress, Failure> {
        if let Some(address) = self.iscsi(true)? {
            return Ok(VolumeAddress::Iscsi(address));
        }
        match self.scsi()? {
            Some(address) => Ok(VolumeAddress::Scsi(address)),
            None => self.address(true).map(VolumeAddress::Nvme),
        }
    }
}

/// What a command asks about: an NVMe controller, a SCSI target or an iSCSI portal.
pub enum Asked {
    /// A controller.
    Nvme(Address),
    /// A logical unit, or the port that it is behind.
    Scsi(ScsiAddress),
    /// The same over iSCSI; a portal alone has no name of a node.
    Iscsi(IscsiAddress),
}

impl PlainTarget {
    fn parts(&self) -> Parts<'_> {
        Parts {
            target: self.target.as_deref(),
            nqn: self.nqn.as_deref().or(self.subsystem.as_deref()),
            traddr: self.traddr.as_deref(),
            trsvcid: self.trsvcid,
            transport: self.transport,
            lun: self.lun,
        }
    }

    /// The discovery service there, or the SCSI target.
    pub fn discovery(&self) -> Result<Asked, Failure> {
        let parts = self.parts();
        if let Some(address) = parts.iscsi(false)? {
            return Ok(Asked::Iscsi(address));
        }
        match parts.scsi()? {
            Some(address) => Ok(Asked::Scsi(address)),
            None => Ok(Asked::Nvme(parts.address(false)?.discovery())),
        }
    }

    /// Any controller there, the discovery service if it is named, or a logical unit.
    pub fn any(&self) -> Result<Asked, Failure> {
        let parts = self.parts();
        if let Some(address) = parts.iscsi(true)? {
            return Ok(Asked::Iscsi(address));
        }
        if let Some(address) = parts.scsi()? {
            return Ok(Asked::Scsi(address));
        }
        let discovery = self.nqn.as_deref() == Some(wire::fabrics::DISCOVERY_NQN)
            || self.target.as_deref().is_some_and(|t| t.ends_with(wire::fabrics::DISCOVERY_NQN));
        parts.address(!discovery).map(Asked::Nvme)
    }
}

impl LoadTarget {
    /// The volume there.
    pub fn volume(&self, said: &[TimeOrTransport]) -> Result<VolumeAddress, Failure> {
        let nqn = self.nqn.as_deref().or(self.subsystem.as_deref());
        Parts {
            target: self.target.as_deref(),
            nqn,
            traddr: self.traddr.as_deref(),
            trsvcid: self.trsvcid,
            transport: transport_of(said),
            lun: self.lun,
        }
        .volume()
    }
}
