//! INQUIRY: standard data and the VPD pages that say what a logical unit is called (SPC-4 6.6, 7.8).

use super::fail::Fail;
use super::limits_pages;
use super::units::Unit;
use crate::{NodeView, Origin, PortName};
use wire::IntoBytes;
use wire::be::U16;
use wire::scsi::inquiry::{
    Designator, Extended, PERIPHERAL_DISK, PERIPHERAL_NONE, PagePolicy, PortDesignation, Standard, VpdHeader, VpdPage,
    version,
};

/// Pages in the order in which page 00h lists them.
const PAGES: [VpdPage; 11] = [
    VpdPage::SUPPORTED,
    VpdPage::SERIAL,
    VpdPage::IDENTIFICATION,
    VpdPage::EXTENDED,
    VpdPage::MODE_PAGE_POLICY,
    VpdPage::PORTS,
    VpdPage::THIRD_PARTY_COPY,
    VpdPage::BLOCK_LIMITS,
    VpdPage::BLOCK_CHARACTERISTICS,
    VpdPage::PROVISIONING,
    VpdPage::REFERRALS,
];

/// Whom a nexus asks.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub origin: &'a Origin,
    pub node: Option<&'a NodeView>,
    /// Bytes of the largest transfer.
    pub largest: u32,
}

/// Standard data of a logical unit, or of a LUN where there is none.
pub(crate) fn standard(unit: Option<&Unit>, asked: Asked<'_>) -> Standard {
    let Some(unit) = unit else { return Standard::new(PERIPHERAL_NONE) };
    let identity = &unit.view.identity;
    let mut data = Standard::new(PERIPHERAL_DISK);
    data.removable = if identity.removable { Standard::RMB } else { 0 };
    data.flags5 = Standard::TPGS_BOTH | Standard::THIRD_PARTY_COPY;
    let ports = asked.node.map_or(1, |node| super::groups::ports(node).len());
    data.flags6 = if ports > 1 { Standard::MULTIP } else { 0 };
    data.vendor = wire::padded(&identity.vendor);
    data.product = wire::padded(&identity.product);
    data.revision = wire::padded(&identity.revision);
    let transport = match asked.origin.target {
        PortName::Fc { .. } => version::FCP_4,
        _ => version::ISCSI,
    };
    let versions = [version::SAM_5, version::SPC_4, version::SBC_3, transport];
    for (place, version) in data.versions.iter_mut().zip(versions) {
        *place = U16::new(version);
    }
    data
}

/// A VPD page of a logical unit.
pub(crate) fn vpd(unit: &Unit, page: u8, asked: Asked<'_>) -> Result<Vec<u8>, Fail> {
    let body = match VpdPage(page) {
        VpdPage::SUPPORTED => PAGES.map(|page| page.0).to_vec(),
        VpdPage::SERIAL => ascii(&unit.view.identity.serial, crate::MOST_SERIAL),
        VpdPage::IDENTIFICATION => identification(unit, asked),
        VpdPage::EXTENDED => return Ok(extended(unit).as_bytes().to_vec()),
        VpdPage::MODE_PAGE_POLICY => PagePolicy::ALL_SHARED.as_bytes().to_vec(),
        VpdPage::PORTS => scsi_ports(asked),
        VpdPage::THIRD_PARTY_COPY => return Ok(super::copy::page(unit)),
        VpdPage::BLOCK_LIMITS => return Ok(limits_pages::limits(unit, asked.largest).as_bytes().to_vec()),
        VpdPage::BLOCK_CHARACTERISTICS => return Ok(limits_pages::characteristics(unit).as_bytes().to_vec()),
        VpdPage::PROVISIONING => return Ok(limits_pages::provisioning(unit).as_bytes().to_vec()),
        VpdPage::REFERRALS => return Ok(limits_pages::referrals().as_bytes().to_vec()),
        _ => return Err(Fail::in_cdb(2)),
    };
    let mut data = header(VpdPage(page), body.len()).as_bytes().to_vec();
    data.extend(body);
    Ok(data)
}

pub(crate) fn header(page: VpdPage, length: usize) -> VpdHeader {
    VpdHeader { peripheral: PERIPHERAL_DISK, page: page.0, length: U16::new(length as u16) }
}

fn extended(unit: &Unit) -> Extended {
    let mut rest = [0; 56];
    rest[Extended::SENSE_LENGTH_AT] = crate::SENSE_BYTES as u8;
    Extended {
        header: header(VpdPage::EXTENDED, size_of::<Extended>() - size_of::<VpdHeader>()),
        checks: 0,
        attributes: Extended::ALL_ATTRIBUTES,
        cache: if unit.features.volatile_cache { Extended::V_SUP } else { 0 },
        nexus: Extended::LUICLR,
        rest,
    }
}

/// Device Identification (SPC-4 7.8.6): the volume by NAA, EUI-64, T10 vendor and UUID, then this port and the device it
/// is a port of.
fn identification(unit: &Unit, asked: Asked<'_>) -> Vec<u8> {
    let identity = &unit.view.identity;
    let mut page = Vec::with_capacity(160);
    designator(&mut page, Designator::BINARY, Designator::OF_UNIT | Designator::NAA, &identity.naa);
    designator(&mut page, Designator::BINARY, Designator::OF_UNIT | Designator::EUI64, &identity.eui64);
    let mut t10 = wire::padded::<8>(&identity.vendor).to_vec();
    t10.extend(wire::padded::<16>(&identity.product));
    t10.extend(ascii(&identity.serial, crate::MOST_SERIAL));
    designator(&mut page, Designator::ASCII, Designator::OF_UNIT | Designator::T10_VENDOR, &t10);
    // UUID TYPE 1h: as in RFC 4122.
    let mut uuid = vec![0x10, 0];
    uuid.extend(identity.uuid.as_bytes());
    designator(&mut page, Designator::BINARY, Designator::OF_UNIT | Designator::UUID, &uuid);
    port_designators(&mut page, asked.origin);
    page
}

pub(crate) fn port_designators(page: &mut Vec<u8>, origin: &Origin) {
    let of_device = Designator::PIV | Designator::OF_DEVICE;
    let code_set = protocol(&origin.target) | Designator::BINARY;
    port_name(page, &origin.target);
    let number = |number: u16| [0, 0, (number >> 8) as u8, number as u8];
    designator(page, code_set, OF_PORT | Designator::RELATIVE_PORT, &number(origin.relative_port));
    designator(page, code_set, OF_PORT | Designator::PORT_GROUP, &number(origin.port_group));
    match origin.target {
        PortName::Fc { wwnn, .. } => designator(page, code_set, of_device | Designator::NAA, &wwnn.to_be_bytes()),
        PortName::Iscsi { name, .. } | PortName::IscsiTarget { name, .. } => {
            name_string(page, of_device, name.as_str())
        }
    }
}

const OF_PORT: u8 = Designator::PIV | Designator::OF_PORT;

fn protocol(port: &PortName) -> u8 {
    match port {
        PortName::Fc { .. } => Designator::FIBRE_CHANNEL,
        _ => Designator::ISCSI,
    }
}

/// What a target port is called.
fn port_name(page: &mut Vec<u8>, port: &PortName) {
    let code_set = protocol(port) | Designator::BINARY;
    match port {
        PortName::Fc { wwpn, .. } => designator(page, code_set, OF_PORT | Designator::NAA, &wwpn.to_be_bytes()),
        name => name_string(page, OF_PORT, &name.to_string()),
    }
}

/// SCSI Ports (SPC-4 7.8.15): all target ports of the device, by relative identifier.
fn scsi_ports(asked: Asked<'_>) -> Vec<u8> {
    let mut ports: Vec<(u16, PortName)> = vec![(asked.origin.relative_port, asked.origin.target)];
    let of_node = asked.node.into_iter().flat_map(|node| &node.maps).flat_map(|map| &map.ports);
    ports.extend(of_node.map(|port| (port.relative, port.name)));
    ports.sort_by_key(|(relative, _)| *relative);
    ports.dedup_by_key(|(relative, _)| *relative);
    let mut body = Vec::new();
    for (relative, name) in ports {
        let mut designators = Vec::new();
        port_name(&mut designators, &name);
        let (zero, length) = (U16::new(0), U16::new(designators.len() as u16));
        let relative = U16::new(relative);
        let port =
            PortDesignation { reserved: zero, relative, reserved4: zero, transport_id: zero, reserved8: zero, length };
        body.extend(port.as_bytes());
        body.extend(designators);
    }
    body
}

/// A SCSI name string: an iSCSI name with zeroes up to a multiple of four bytes (SPC-4 7.8.6.11).
fn name_string(page: &mut Vec<u8>, association: u8, name: &str) {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize((bytes.len() + 1).next_multiple_of(4), 0);
    designator(page, Designator::ISCSI | Designator::UTF_8, association | Designator::NAME_STRING, &bytes);
}

fn designator(page: &mut Vec<u8>, code_set: u8, kind: u8, bytes: &[u8]) {
    let header = Designator { code_set, kind, reserved: 0, length: bytes.len() as u8 };
    page.extend(header.as_bytes());
    page.extend(bytes);
}

/// At most so many characters, those that are not graphic ASCII replaced.
fn ascii(text: &str, most: usize) -> Vec<u8> {
    let graphic = |c: char| if (' '..='~').contains(&c) { c as u8 } else { b'?' };
    text.chars().take(most).map(graphic).collect()
}
