//! Frames with what they mean, and the file that holds them.

use std::collections::BTreeSet;
use wire::IntoBytes;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED, crc, sof_eof};
use wire::fcoe::{self, FcMap, Mac};

/// The host of all captures.
pub const HOST: PortId = PortId(0x010200);
/// The target.
pub const TARGET: PortId = PortId(0x010300);

/// A frame on an Ethernet.
pub struct Frame {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// Fields of tshark and their values.
    pub meant: Vec<(&'static str, String)>,
}

#[derive(Default)]
pub struct Capture {
    pub frames: Vec<Frame>,
}

impl Capture {
    /// Adds the bytes of an Ethernet frame.
    pub fn ethernet(&mut self, name: &'static str, ethertype: u16, payload: &[u8], meant: &[(&'static str, &str)]) {
        let mut bytes = Mac::mapped(FcMap::FABRIC, TARGET).0.to_vec();
        bytes.extend(Mac::mapped(FcMap::FABRIC, HOST).0);
        bytes.extend(ethertype.to_be_bytes());
        bytes.extend(payload);
        let meant = meant.iter().map(|&(field, value)| (field, value.to_owned())).collect();
        self.frames.push(Frame { name, bytes, meant });
    }

    /// Adds an FC frame in FCoE. Its header fields are compared too.
    pub fn fc(&mut self, name: &'static str, header: FrameHeader, payload: &[u8], meant: &[(&'static str, &str)]) {
        let mut frame = header.as_bytes().to_vec();
        frame.extend(payload);
        let (sof, eof) = sof_eof(&header);
        let mut wrapped = fcoe::Header::new(sof).as_bytes().to_vec();
        wrapped.extend(&frame);
        wrapped.extend(fcoe::Trailer::new(crc(&frame), eof).as_bytes());
        self.ethernet(name, fcoe::ETHERTYPE, &wrapped, meant);
        let dots = |id: PortId| format!("{:02x}.{:02x}.{:02x}", id.domain(), id.area(), id.port());
        self.frames.last_mut().unwrap().meant.extend([
            ("fc.r_ctl", format!("0x{:02x}", header.r_ctl.0)),
            ("fc.d_id", dots(header.d_id())),
            ("fc.s_id", dots(header.s_id())),
            ("fc.type", format!("0x{:02x}", header.type_.0)),
            ("fc.f_ctl", format!("0x{:06x}", header.f_ctl().0)),
            ("fc.ox_id", format!("0x{:04x}", header.ox_id())),
            ("fc.rx_id", format!("0x{:04x}", header.rx_id())),
            ("fc.seq_cnt", header.seq_cnt().to_string()),
            ("fcoe.sof", format!("0x{:02x}", sof.0)),
            ("fcoe.eof", format!("0x{:02x}", eof.0)),
            ("fcoe.crc.status", "1".to_owned()),
        ]);
    }

    /// A request that opens exchange `ox_id` from the host.
    pub fn request(
        &mut self,
        name: &'static str,
        kind: (RCtl, Type),
        to: PortId,
        ox_id: u16,
        payload: &[u8],
        meant: &[(&'static str, &str)],
    ) {
        let from = if payload.first() == Some(&4) && kind.1 == Type::ELS { PortId::NONE } else { HOST };
        let header =
            FrameHeader::new(kind.0, kind.1, from, to).with_f_ctl(FCtl::REQUEST).with_exchange(ox_id, UNASSIGNED);
        self.fc(name, header, payload, meant);
    }

    /// The reply that ends it.
    pub fn reply(
        &mut self,
        name: &'static str,
        kind: (RCtl, Type),
        from: PortId,
        ox_id: u16,
        payload: &[u8],
        meant: &[(&'static str, &str)],
    ) {
        let header =
            FrameHeader::new(kind.0, kind.1, from, HOST).with_f_ctl(FCtl::REPLY).with_exchange(ox_id, 0x8000 | ox_id);
        self.fc(name, header, payload, meant);
    }

    /// All fields that a frame has a meaning for.
    pub fn fields(&self) -> BTreeSet<&'static str> {
        self.frames.iter().flat_map(|frame| frame.meant.iter().map(|(field, _)| *field)).collect()
    }

    /// The capture as a pcap file of link type Ethernet.
    pub fn pcap(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4u32, 4 << 16 | 2, 0, 0, 65_535, 1] {
            file.extend(word.to_le_bytes());
        }
        for (second, frame) in self.frames.iter().enumerate() {
            let length = frame.bytes.len() as u32;
            for word in [second as u32, 0, length, length] {
                file.extend(word.to_le_bytes());
            }
            file.extend(&frame.bytes);
        }
        file
    }
}
