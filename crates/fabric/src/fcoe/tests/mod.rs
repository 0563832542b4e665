//! The machines against each other, on an Ethernet in memory and in virtual time.

mod fabric;
mod hostile;
mod lan;
mod neighbours;

use super::*;
use fc::{Attachment, Frame, FrameBox, Frames, Link, LinkEvent, Names};
use lan::Lan;
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED, Wwn};
use wire::fcoe::Mac;

const S: Tick = 1_000 * MS;
/// How far virtual time goes in one step.
const STEP: Tick = 20 * MS;

fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0000_0000_0000 | n), port: Wwn(0x2100_0000_0000_0000 | n) }
}

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

fn els(s_id: PortId, d_id: PortId, ox_id: u16, payload: &[u8]) -> FrameBox {
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, s_id, d_id).with_f_ctl(FCtl::REQUEST);
    Frame::new(&header.with_exchange(ox_id, UNASSIGNED), payload)
}

fn login(command: Command, n: u64, ox_id: u16) -> FrameBox {
    let names = names(n);
    let payload = Login::fabric(command, names.port, names.node, 2048, true).to_bytes();
    els(PortId::NONE, PortId::FABRIC, ox_id, &payload)
}

fn data(s_id: PortId, d_id: PortId, payload: &[u8]) -> FrameBox {
    Frame::new(&FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, s_id, d_id), payload)
}

/// All that a link has to say.
fn events(link: &mut impl Link, now: Tick) -> Vec<LinkEvent> {
    std::iter::from_fn(|| link.event(now)).collect()
}

fn frames(link: &mut impl Link, now: Tick) -> Vec<FrameBox> {
    std::iter::from_fn(|| link.receive(now)).collect()
}
