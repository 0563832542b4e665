//! `Listen <transport> <address>` lines.

use serde_json::{Value, json};

use crate::address::{self, IpPort, Wwn};
use crate::diag::show;
use crate::suggest::did_you_mean;

/// Types of transport there are names for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Tcp,
    Rdma,
    Fc,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Tcp, Kind::Rdma, Kind::Fc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Tcp => "TCP",
            Kind::Rdma => "RDMA",
            Kind::Fc => "FC",
        }
    }

    /// The kind called `text`, in any case; otherwise the message and the remedy.
    pub(crate) fn parse(text: &str) -> Result<Kind, (String, String)> {
        let names = Kind::ALL.map(Kind::name);
        let kind = Kind::ALL.into_iter().find(|k| k.name().eq_ignore_ascii_case(text));
        kind.ok_or_else(|| {
            (format!("transport type {} is not known", show(text)), did_you_mean(text, names, "write TCP, RDMA or FC"))
        })
    }

    /// `Ok` if this version has the transport, otherwise what to say.
    pub(crate) fn served(self) -> Result<(), &'static str> {
        match self {
            Kind::Tcp | Kind::Fc => Ok(()),
            Kind::Rdma => Err("the RDMA transport is not there yet"),
        }
    }
}

/// Where a subsystem is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Ip(Kind, IpPort),
    Fc { node: Wwn, port: Wwn },
}

/// Port of NVMe over TCP and RDMA if a line names none (the I/O controller's registered port).
const DEFAULT_PORT: u16 = 4420;

impl Place {
    /// Reads the two values of a line; otherwise the message and the remedy.
    pub(crate) fn parse(kind: &str, address: &str) -> Result<Place, (String, String)> {
        match Kind::parse(kind)? {
            Kind::Fc => match address::node_and_port(address) {
                Some((node, port)) => Ok(Place::Fc { node, port }),
                None => Err((
                    format!("{} is not the name of an FC port", show(address)),
                    "write nn-0x<16 hexadecimal digits>:pn-0x<16 hexadecimal digits>, as the target prints it at link up".to_owned(),
                )),
            },
            kind => match address::ip_port(address) {
                Ok(ip) => Ok(Place::Ip(kind, IpPort { port: ip.port.or(Some(DEFAULT_PORT)), ..ip })),
                Err(reason) => Err((reason, "write 192.0.2.1:4420 or [2001:db8::1]:4420".to_owned())),
            },
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Place::Ip(kind, _) => *kind,
            Place::Fc { .. } => Kind::Fc,
        }
    }

    /// The address as `nvmf_subsystem_add_listener` wants it.
    pub(crate) fn listen_address(&self) -> Value {
        match self {
            Place::Ip(kind, ip) => json!({
                "trtype": kind.name(),
                "adrfam": if ip.v6 { "IPv6" } else { "IPv4" },
                "traddr": ip.address,
                "trsvcid": ip.port.unwrap_or(DEFAULT_PORT).to_string(),
            }),
            Place::Fc { node, port } => json!({
                "trtype": "FC",
                "adrfam": "FC",
                "traddr": format!("nn-{node}:pn-{port}"),
            }),
        }
    }
}
