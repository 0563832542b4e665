//! The data of PERSISTENT RESERVE IN (SPC-4 6.15).

use super::super::fail::Fail;
use crate::shared::{Kind, Reservations, Table};
use crate::{NodeView, PortName};
use std::sync::Arc;
use wire::IntoBytes;
use wire::be::{U16, U32, U64};
use wire::scsi::reservation::{Capabilities, FullStatus, InHeader, InReservation, r#in};

/// All of the data of a service action. `keeps`: reservations can be kept through power loss.
pub(crate) fn data<'a>(
    table: &Reservations,
    action: u8,
    keeps: bool,
    nodes: impl Iterator<Item = &'a Arc<NodeView>>,
) -> Result<Vec<u8>, Fail> {
    match action {
        r#in::READ_KEYS => Ok(table.read(keys)),
        r#in::READ_RESERVATION => Ok(table.read(reservation)),
        r#in::REPORT_CAPABILITIES => Ok(table.read(|table| capabilities(table, keeps))),
        r#in::READ_FULL_STATUS => {
            let ports: Vec<(PortName, u16)> = nodes.flat_map(|node| ports(node)).collect();
            Ok(table.read(|table| full_status(table, &ports)))
        }
        _ => Err(Fail::in_cdb(1)),
    }
}

fn ports(node: &NodeView) -> Vec<(PortName, u16)> {
    node.maps.iter().flat_map(|map| &map.ports).map(|port| (port.name, port.relative)).collect()
}

fn with_header(table: &Table, body: &[u8]) -> Vec<u8> {
    let header = InHeader { generation: U32::new(table.generation), length: U32::new(body.len() as u32) };
    [header.as_bytes(), body].concat()
}

fn keys(table: &Table) -> Vec<u8> {
    let keys: Vec<u8> = table.registrants.iter().flat_map(|known| known.key.to_be_bytes()).collect();
    with_header(table, &keys)
}

fn reservation(table: &Table) -> Vec<u8> {
    let Some(held) = table.held else { return with_header(table, &[]) };
    let key = if held.kind.is_held_by_all() { 0 } else { table.key_of(&held.by).unwrap_or(0) };
    let held = InReservation {
        key: U64::new(key),
        obsolete: U32::new(0),
        reserved: 0,
        scope_type: held.kind.code(),
        obsolete14: U16::new(0),
    };
    with_header(table, held.as_bytes())
}

fn capabilities(table: &Table, keeps: bool) -> Vec<u8> {
    let kept = if keeps { Capabilities::PTPL_C } else { 0 };
    let data = Capabilities {
        length: U16::new(8),
        can: Capabilities::CRH | Capabilities::SIP_C | Capabilities::ATP_C | kept,
        valid: Capabilities::TMV | if table.aptpl { Capabilities::PTPL_A } else { 0 },
        types: Capabilities::ALL_TYPES,
        reserved: [0; 2],
    };
    data.as_bytes().to_vec()
}

/// Registrations that ALL_TG_PT made are those of one nexus each: that bit is never set.
fn full_status(table: &Table, ports: &[(PortName, u16)]) -> Vec<u8> {
    let mut body = Vec::new();
    for known in &table.registrants {
        let id = known.nexus.initiator.transport_id();
        let relative = ports.iter().find(|(name, _)| name.is_same_port(&known.nexus.target));
        let kind = table.held.filter(|_| table.is_holder(&known.nexus)).map(|held| held.kind);
        let status = FullStatus {
            key: U64::new(known.key),
            reserved: U32::new(0),
            flags: if kind.is_some() { FullStatus::R_HOLDER } else { 0 },
            scope_type: kind.map_or(0, Kind::code),
            reserved14: U32::new(0),
            relative: U16::new(relative.map_or(known.nexus.relative, |(_, relative)| *relative)),
            length: U32::new(id.len() as u32),
        };
        body.extend(status.as_bytes());
        body.extend(id);
    }
    with_header(table, &body)
}
