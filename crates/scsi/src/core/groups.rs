//! REPORT TARGET PORT GROUPS (SPC-4 6.36): all ports are active and optimized.

use super::inquiry::Asked;
use crate::NodeView;
use wire::IntoBytes;
use wire::be::{U16, U32};
use wire::scsi::report::{PortDescriptor, PortGroup};

/// The ports of a target device: group and relative identifier, rising.
pub(crate) fn ports(node: &NodeView) -> Vec<(u16, u16)> {
    let mut ports: Vec<_> =
        node.maps.iter().flat_map(|map| &map.ports).map(|port| (port.group, port.relative)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The parameter data; `extended` asks for the header that has room for a transition time.
pub(crate) fn report(asked: Asked<'_>, extended: bool) -> Vec<u8> {
    let own = (asked.origin.port_group, asked.origin.relative_port);
    let mut ports = asked.node.map_or_else(Vec::new, ports);
    if !ports.contains(&own) {
        ports.push(own);
        ports.sort_unstable();
    }
    let mut data = vec![0; if extended { 8 } else { 4 }];
    if extended {
        data[4] = 0x10;
    }
    for group in ports.chunk_by(|a, b| a.0 == b.0) {
        data.extend(header(group[0].0, group.len()).as_bytes());
        for (_, relative) in group.iter().take(u8::MAX.into()) {
            data.extend(PortDescriptor { obsolete: U16::new(0), relative: U16::new(*relative) }.as_bytes());
        }
    }
    let length = U32::new(data.len() as u32 - 4);
    data[..4].copy_from_slice(length.as_bytes());
    data
}

fn header(group: u16, ports: usize) -> PortGroup {
    PortGroup {
        state: PortGroup::ACTIVE_OPTIMIZED,
        supported: PortGroup::AO_SUP,
        group: U16::new(group),
        reserved: 0,
        status: 0,
        vendor: 0,
        ports: ports.min(u8::MAX.into()) as u8,
    }
}
