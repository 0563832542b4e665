//! Asymmetric logical unit access (SPC-4 5.15): REPORT and SET TARGET PORT GROUPS (6.36, 6.45). States: `shared::Access`.

use super::fail::Fail;
use super::inquiry::Asked;
use crate::NodeView;
use crate::shared::{AccessState, Cause};
use wire::IntoBytes;
use wire::be::{U16, U32};
use wire::scsi::Asc;
use wire::scsi::report::{PortDescriptor, PortGroup, SetPortGroup};

/// The ports of a target device: group and relative identifier, rising.
pub(crate) fn ports(node: &NodeView) -> Vec<(u16, u16)> {
    let mut ports: Vec<_> =
        node.maps.iter().flat_map(|map| &map.ports).map(|port| (port.group, port.relative)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The logical units of a target device, rising.
pub(crate) fn units(node: &NodeView) -> Vec<u32> {
    let mut units: Vec<u32> = node.maps.iter().flat_map(|map| &map.luns).map(|(_, unit)| *unit).collect();
    units.sort_unstable();
    units.dedup();
    units
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
        data.extend(header(asked.node, group[0].0, group.len()).as_bytes());
        for (_, relative) in group.iter().take(u8::MAX.into()) {
            data.extend(PortDescriptor { obsolete: U16::new(0), relative: U16::new(*relative) }.as_bytes());
        }
    }
    let length = U32::new(data.len() as u32 - 4);
    data[..4].copy_from_slice(length.as_bytes());
    data
}

fn header(node: Option<&NodeView>, group: u16, ports: usize) -> PortGroup {
    let (state, status) = node.map_or((0, 0), |node| node.access.group(group).bytes());
    let supported = PortGroup::T_SUP | PortGroup::U_SUP | PortGroup::S_SUP | PortGroup::AN_SUP | PortGroup::AO_SUP;
    PortGroup {
        state,
        supported,
        group: U16::new(group),
        reserved: 0,
        status,
        vendor: 0,
        ports: ports.min(u8::MAX.into()) as u8,
    }
}

/// SET TARGET PORT GROUPS: all of the list is judged before anything of it holds. Whether any state is another now.
pub(crate) fn set(asked: Asked<'_>, list: &[u8]) -> Result<bool, Fail> {
    let node = asked.node.ok_or(Fail::illegal(Asc::SET_TARGET_PORT_GROUPS_COMMAND_FAILED))?;
    let descriptors = list.get(4..).filter(|behind| behind.len() % size_of::<SetPortGroup>() == 0);
    let descriptors = descriptors.ok_or(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR))?;
    let mut wanted = Vec::new();
    for (n, descriptor) in wire::parse_each::<SetPortGroup>(descriptors).iter().enumerate() {
        let at = (4 + n * size_of::<SetPortGroup>()) as u16;
        let state = AccessState::from_code(descriptor.state & 0xf);
        let state = state.filter(|state| *state != AccessState::Transitioning).ok_or(Fail::in_list(at))?;
        let group = descriptor.group.get();
        let is_there = ports(node).iter().any(|(there, _)| *there == group);
        if !is_there || wanted.iter().any(|(known, _)| *known == group) {
            return Err(Fail::in_list(at + 2));
        }
        wanted.push((group, state));
    }
    // Not `any`: each of them is set.
    Ok(wanted.into_iter().filter(|(group, state)| node.access.set(*group, *state, Cause::Explicit)).count() > 0)
}
