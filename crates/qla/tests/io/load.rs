//! Many commands at once: rings that wrap, several hosts, both protocols.

use super::disk::{BLOCK, BLOCKS};
use super::host::Io;
use super::rig::*;
use qla::Settings;
use std::collections::HashMap;
use wire::fcp::Rsp;

/// Blocks that belong to a command while it is open, so that each read knows what it must find.
const SLICE: u32 = 32;

/// Each host keeps `depth` commands open on slices of its own, until so many of it are over. Every byte is compared.
pub fn hammer(rig: &mut Rig, depth: usize, commands: usize) {
    let slices = BLOCKS / SLICE / rig.hosts.len() as u32;
    assert!(depth <= slices as usize);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = move |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    let mut open: Vec<HashMap<u64, (Io, u64)>> = rig.hosts.iter().map(|_| HashMap::new()).collect();
    let mut content: HashMap<u32, (u32, u64)> = HashMap::new();
    let mut over = vec![0; rig.hosts.len()];
    while over.iter().any(|over| *over < commands) || open.iter().any(|open| !open.is_empty()) {
        for host in 0..rig.hosts.len() {
            while open[host].len() < depth && over[host] + open[host].len() < commands {
                let slice = host as u32 * slices + roll(slices.into()) as u32;
                let block = slice * SLICE;
                if open[host].values().any(|(io, _)| io.block == block) {
                    continue;
                }
                let (write, blocks) = (roll(2) == 0, 1 + roll(SLICE.into()) as u32);
                let blocks = if write { blocks } else { content.get(&block).map_or(1, |(blocks, _)| *blocks) };
                let (tag, connection) = (roll(256), roll(8));
                let io = Io { connection, ..io(write, block, blocks) };
                let data = if write { pattern(block, blocks, tag) } else { Vec::new() };
                let Some(context) = rig.hosts[host].send(&io, &data, 60_000 * MS, rig.now) else { break };
                open[host].insert(context, (io, tag));
            }
        }
        rig.now += MS / 10;
        rig.turn();
        for host in 0..rig.hosts.len() {
            for (context, end) in std::mem::take(&mut rig.hosts[host].over) {
                let (io, tag) = open[host].remove(&context).expect("it was sent");
                let response = end.result.expect("a response");
                let fcp = Rsp::parse(&response).is_some_and(|rsp| rsp.status == 0);
                assert!(matches!(response.len(), 12 | 32) || fcp, "{response:02x?}");
                if io.write {
                    content.insert(io.block, (io.blocks, tag));
                } else if let Some((blocks, tag)) = content.get(&io.block) {
                    assert!(end.data == pattern(io.block, *blocks, *tag), "block {}", io.block);
                    assert_eq!(end.received, io.blocks * BLOCK);
                }
                over[host] += 1;
            }
        }
    }
}

#[test]
fn both_protocols_of_several_hosts_verify() {
    let mut rig = Rig::new(Options { fcp: 2, nvme: 2, queues: 3, ..Options::default() });
    hammer(&mut rig, 24, 1_500);
    rig.is_clean();
    assert_eq!(rig.port.adapter().resets, 0);
    assert_eq!(rig.disks.iter().map(|disk| disk.bad).sum::<u64>(), 0);
    assert!(rig.disks.iter().filter(|disk| disk.commands > 500).count() >= 5, "all lanes have work");
}

/// All queues have 2,048 entries or fewer: they go around.
#[test]
fn rings_go_around_under_load() {
    let mut rig = Rig::new(Options { fcp: 1, nvme: 0, queues: 1, ..Options::default() });
    hammer(&mut rig, 64, 6_000);
    rig.is_clean();
    assert_eq!(rig.port.adapter().resets, 0);
}

#[test]
fn lanes_without_queues_verify_too() {
    let settings = Settings { queue_pairs: 1, ..Settings::default() };
    let mut rig = Rig::new(Options { fcp: 1, nvme: 1, queues: 2, settings, ..Options::default() });
    hammer(&mut rig, 32, 2_000);
    rig.is_clean();
    assert_eq!(rig.port.adapter().resets, 0);
}
