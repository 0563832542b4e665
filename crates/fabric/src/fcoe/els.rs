//! The few things that FIP has to know of link services: logins and logouts with the fabric.

use fc::{Frame, FrameBox};
use wire::fc::els::{Command, Logo, LsRjt, Reject};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};
use wire::fip::DescriptorType;

/// The command code of an ELS frame.
pub(super) fn command(frame: &Frame) -> Option<Command> {
    let header = frame.header();
    let is_els = header.type_ == Type::ELS && matches!(header.r_ctl, RCtl::ELS_REQUEST | RCtl::ELS_REPLY);
    frame.payload().first().filter(|_| is_els).map(|code| Command(*code))
}

/// Under which descriptor a request to the fabric goes by FIP; `None` for all that goes as a frame.
pub(super) fn fip_kind(frame: &Frame) -> Option<DescriptorType> {
    let header = frame.header();
    if header.r_ctl != RCtl::ELS_REQUEST || header.d_id() != PortId::FABRIC {
        return None;
    }
    match command(frame)? {
        Command::FLOGI => Some(DescriptorType::FLOGI),
        Command::FDISC => Some(DescriptorType::FDISC),
        Command::LOGO => Some(DescriptorType::LOGO),
        _ => None,
    }
}

/// The port name of a FLOGI or FDISC, or zero when it is cut short.
pub(super) fn port_name(frame: &Frame) -> Wwn {
    let name = frame.payload().get(20..).and_then(|rest| rest.first_chunk());
    name.map_or(Wwn::NONE, |name| Wwn::from_bytes(*name))
}

/// A LOGO of `id` to `to`.
pub(super) fn logo(id: PortId, to: PortId, name: Wwn, ox_id: u16) -> FrameBox {
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, id, to).with_f_ctl(FCtl::REQUEST);
    let about = if id == PortId::FABRIC { to } else { id };
    Frame::new(&header.with_exchange(ox_id, wire::fc::UNASSIGNED), &Logo::new(about, name).to_bytes())
}

/// The header of a reply to a request.
pub(super) fn reply_header(request: &FrameHeader) -> FrameHeader {
    FrameHeader::new(RCtl::ELS_REPLY, Type::ELS, request.d_id(), request.s_id())
        .with_f_ctl(FCtl::REPLY)
        .with_exchange(request.ox_id(), request.rx_id())
}

/// An LS_RJT to a request.
pub(super) fn reject(request: &FrameHeader, reject: Reject) -> FrameBox {
    Frame::new(&reply_header(request), &LsRjt::new(reject).to_bytes())
}
