//! What the control plane changes: logical units, target devices, who sees what; and the report of what is here.

use super::attention::Attention;
use super::nexus::{Nexus, Wanted};
use super::open::State;
use super::scsi::Scsi;
use super::units::Units;
use crate::message::{CoreReport, NexusReport, TaskReport};
use crate::{LogicalUnitView, MOST_LUNS, NodeView, Origin};
use exchange::Order;
use ring::Tag;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Scsi {
    /// Puts a copy of a logical unit in place, with its open device. Returns the device that is used no more.
    pub(crate) fn put_unit(&mut self, view: &Arc<LogicalUnitView>, target: Tag) -> Option<Tag> {
        let change = self.units.put(view, target);
        if change.is_new {
            self.remap_all();
            return None;
        }
        let told = [
            (change.capacity, Attention::CapacityChanged),
            (change.inquiry || change.gone.is_some(), Attention::InquiryChanged),
        ];
        for (_, attention) in told.into_iter().filter(|(is_so, _)| *is_so) {
            self.raise(view.id, attention);
        }
        change.gone
    }

    /// Tells all nexuses that reach a logical unit.
    fn raise(&mut self, unit: u32, attention: Attention) {
        for slot in self.nexuses.iter_mut().flatten().flat_map(Nexus::mapped_mut) {
            if slot.unit_id == unit {
                slot.attentions.raise(attention);
            }
        }
    }

    /// Takes a logical unit away. Returns its device.
    pub(crate) fn remove_unit(&mut self, id: u32) -> Option<Tag> {
        let target = self.units.remove(id);
        self.remap_all();
        target
    }

    /// Puts a copy of a target device in place.
    pub(crate) fn put_node(&mut self, view: Arc<NodeView>) {
        self.nodes.insert(view.id, view);
        self.remap_all();
    }

    /// Takes a target device away.
    pub(crate) fn remove_node(&mut self, id: u32) {
        self.nodes.remove(&id);
        self.remap_all();
    }

    /// Port groups of a target device are in other states.
    pub(crate) fn access_changed(&mut self, node: u32) {
        let is_meant = |nexus: &&mut Nexus| nexus.map.is_some_and(|(of, _)| of == node);
        for nexus in self.nexuses.iter_mut().flatten().filter(is_meant) {
            nexus.mapped_mut().for_each(|slot| slot.attentions.raise(Attention::AccessChanged));
        }
    }

    /// A nexus is there.
    pub(crate) fn open_nexus(&mut self, queue: u32, origin: Origin) {
        let place = queue as usize;
        if self.nexuses.len() <= place {
            self.nexuses.resize_with(place + 1, || None);
        }
        assert!(self.nexuses[place].is_none(), "the port opened a queue that is open");
        self.config.device.known.add(origin.initiator);
        let mut nexus = Nexus::new(origin);
        remap(&mut nexus, &self.nodes, &self.units);
        self.nexuses[place] = Some(nexus);
        if self.draining {
            self.close_nexus(queue);
        }
    }

    fn remap_all(&mut self) {
        for nexus in self.nexuses.iter_mut().flatten() {
            if remap(nexus, &self.nodes, &self.units) {
                nexus.mapped_mut().for_each(|slot| slot.attentions.raise(Attention::LunsChanged));
            }
        }
    }

    /// Whether no command is open on a logical unit that its nexus lost.
    pub(crate) fn is_settled(&self) -> bool {
        !self.nexuses.iter().flatten().any(Nexus::is_leaving)
    }

    /// No more commands; the nexuses that there are.
    pub(crate) fn start_draining(&mut self) -> Vec<u32> {
        self.draining = true;
        self.queues()
    }

    /// Ends all nexuses.
    pub(crate) fn close_all(&mut self) {
        self.queues().into_iter().for_each(|queue| self.close_nexus(queue));
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.nexuses.iter().all(Option::is_none)
    }

    fn queues(&self) -> Vec<u32> {
        let open = |(queue, nexus): (usize, &Option<Nexus>)| nexus.is_some().then_some(queue as u32);
        self.nexuses.iter().enumerate().filter_map(open).collect()
    }

    fn close_nexus(&mut self, queue: u32) {
        if !std::mem::replace(&mut self.nexus(queue).closing, true) {
            self.todo.push_back(Order::Close { queue });
        }
    }

    /// What is here.
    pub(crate) fn report(&self) -> CoreReport {
        let of = |(queue, nexus): (usize, &Option<Nexus>)| Some(self.report_of(queue as u32, nexus.as_ref()?));
        CoreReport { nexuses: self.nexuses.iter().enumerate().filter_map(of).collect() }
    }

    fn report_of(&self, queue: u32, nexus: &Nexus) -> NexusReport {
        let tasks = self.open.iter().filter(|open| open.queue == queue && open.state != State::Worded);
        let tasks = tasks.map(|open| TaskReport {
            id: open.id,
            lun: open.lun,
            opcode: open.opcode,
            waits: open.state == State::Dormant,
            age_ns: self.now.saturating_sub(open.since),
        });
        NexusReport {
            queue,
            origin: nexus.origin,
            node: nexus.map.map(|(node, _)| node),
            map: nexus.map.map(|(_, map)| map),
            luns: nexus.mapped().count() as u32,
            tasks: tasks.collect(),
        }
    }
}

/// Gives a nexus the LUNs that the views give it. Whether that changed anything.
fn remap(nexus: &mut Nexus, nodes: &BTreeMap<u32, Arc<NodeView>>, units: &Units) -> bool {
    let found = nodes.values().find_map(|node| Some((node, node.map_of(&nexus.origin)?)));
    let Some((node, (place, map))) = found else {
        (nexus.map, nexus.group) = (None, None);
        return nexus.remap(&[]);
    };
    (nexus.map, nexus.depth) = (Some((node.id, place)), node.queue_depth.max(1));
    // The configuration knows better than the transport, which may have been told before it changed.
    if let Some(port) = map.ports.iter().find(|port| port.name.is_same_port(&nexus.origin.target)) {
        (nexus.origin.relative_port, nexus.origin.port_group) = (port.relative, port.group);
    }
    nexus.group = Some(node.access.group(nexus.origin.port_group));
    let there = |(lun, id): &(u16, u32)| {
        let (unit, _) = units.by_id(*id).filter(|_| *lun < MOST_LUNS)?;
        Some(Wanted { lun: *lun, unit, unit_id: *id })
    };
    let wanted: Vec<Wanted> = map.luns.iter().filter_map(there).collect();
    nexus.remap(&wanted)
}
