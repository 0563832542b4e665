//! What a core knows of the configuration: plain copies, made by the control plane, replaced whole.

use crate::ControllerIds;
use bdev::{Bdev, Info, Meter};
use std::sync::Arc;
use uuid::Uuid;

/// A transport's name on the wire and in configuration (discovery log page: TRTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trtype {
    /// NVMe/TCP.
    Tcp,
    /// NVMe/RDMA.
    Rdma,
    /// FC-NVMe.
    Fc,
}

/// What a transport was created with; SPDK's names. Limits that the core reports and enforces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportView {
    /// Which.
    pub trtype: Trtype,
    /// Entries of an I/O queue; MQES is one less.
    pub max_queue_depth: u16,
    /// I/O queues of a controller.
    pub max_io_qpairs_per_ctrlr: u16,
    /// Bytes of in-capsule data of an I/O queue (IOCCSZ); the admin queue always takes 8,192.
    pub in_capsule_data_size: u32,
    /// Bytes of the largest transfer (MDTS).
    pub max_io_size: u32,
    /// Entries of the admin queue.
    pub max_aq_depth: u16,
    /// Keep-alive granularity in 100 ms (KAS).
    pub kas: u16,
    /// Shortest keep-alive time-out accepted, in milliseconds; shorter ones are raised.
    pub min_kato_ms: u32,
}

/// An address at which a subsystem is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerView {
    /// Its number: one a listening address of the process, for life, shared by the subsystems that use the address.
    pub id: u32,
    /// The transport.
    pub trtype: Trtype,
    /// `ipv4`, `ipv6` or `fc` as the discovery log page's ADRFAM wants it.
    pub adrfam: u8,
    /// Address as configured; a wildcard is reported as the address that the asking host reached.
    pub traddr: String,
    /// Service: the port number.
    pub trsvcid: String,
}

/// A discovery service elsewhere, for the discovery log page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralView {
    /// The transport.
    pub trtype: Trtype,
    /// As in [`ListenerView::adrfam`].
    pub adrfam: u8,
    /// Its address.
    pub traddr: String,
    /// Its service.
    pub trsvcid: String,
    /// Its name.
    pub subnqn: String,
    /// It is only reached by a secure channel.
    pub secure_channel: bool,
}

/// A namespace of a subsystem.
#[derive(Clone)]
pub struct NamespaceView {
    /// Its number, for life.
    pub nsid: u32,
    /// The volume behind it.
    pub device: Arc<dyn Bdev>,
    /// What the volume said when this copy was made.
    pub info: Info,
    /// What the cores count of it.
    pub meters: Arc<[Meter]>,
    /// Identity: from the volume unless configured.
    pub uuid: Uuid,
    /// Identity: from the volume's UUID unless configured.
    pub nguid: [u8; 16],
    /// Identity: derived from the volume's UUID unless configured; zeroes: none.
    pub eui64: [u8; 8],
}

/// A subsystem. A new copy replaces the old one whole; `id` says which.
#[derive(Clone)]
pub struct SubsystemView {
    /// Its number, never reused.
    pub id: u32,
    /// Its name.
    pub nqn: String,
    /// A discovery subsystem: no namespaces, log page 70h.
    pub discovery: bool,
    /// Serial number, at most 20 ASCII characters.
    pub serial: String,
    /// Model number, at most 40 ASCII characters.
    pub model: String,
    /// Anyone may connect.
    pub allow_any_host: bool,
    /// Who may otherwise: host NQNs.
    pub hosts: Vec<String>,
    /// Where it is offered. With `any_listener`, also everywhere else.
    pub listeners: Vec<ListenerView>,
    /// It is offered at every listener of the process (a legacy file without `Listen`).
    pub any_listener: bool,
    /// Highest NSID.
    pub max_namespaces: u32,
    /// Lowest controller identifier.
    pub min_cntlid: u16,
    /// Highest controller identifier.
    pub max_cntlid: u16,
    /// Who has which of these identifiers.
    pub cntlids: Arc<ControllerIds>,
    /// The namespaces by rising NSID.
    pub namespaces: Vec<NamespaceView>,
}
