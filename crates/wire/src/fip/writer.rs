//! Making a FIP message.

use super::descriptor::{DescriptorType, Fabric, Fc4Types, VnPort};
use super::message::{Flags, Kind};
use super::{HEADER_BYTES, VERSION};
use crate::fc::Wwn;
use crate::fcoe::Mac;

/// Puts a message into bytes, which must have room for it: a full-size frame's always have.
///
/// # Panics
/// Each call, when there is no room.
pub struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// Begins a message in what comes after the Ethernet header.
    pub fn new(bytes: &'a mut [u8], kind: Kind, flags: Flags) -> Self {
        let (operation, subcode) = kind.codes();
        let ([o0, o1], [f0, f1]) = (operation.to_be_bytes(), flags.0.to_be_bytes());
        bytes[..HEADER_BYTES].copy_from_slice(&[VERSION << 4, 0, o0, o1, 0, subcode, 0, 0, f0, f1]);
        Self { bytes, at: HEADER_BYTES }
    }

    /// The message's length in bytes.
    pub fn finish(self) -> usize {
        let words = ((self.at - HEADER_BYTES) / 4) as u16;
        self.bytes[6..8].copy_from_slice(&words.to_be_bytes());
        self.at
    }

    /// Ends the message and fills up with zeroes to `length` bytes: padding, which is no part of it.
    pub fn finish_padded(self, length: usize) -> usize {
        let end = self.at.max(length);
        self.bytes[self.at..end].fill(0);
        self.finish();
        end
    }

    /// A descriptor of `length` bytes, zero at first, to be filled in behind its type and length.
    fn add(mut self, kind: DescriptorType, length: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let end = self.at + length;
        let descriptor = &mut self.bytes[self.at..end];
        descriptor.fill(0);
        descriptor[0] = kind.0;
        descriptor[1] = (length / 4) as u8;
        fill(&mut descriptor[2..]);
        self.at = end;
        self
    }

    /// Priority of an FCF; smaller is better.
    pub fn priority(self, priority: u8) -> Self {
        self.add(DescriptorType::PRIORITY, 4, |body| body[1] = priority)
    }

    /// An Ethernet address.
    pub fn mac(self, mac: Mac) -> Self {
        self.add(DescriptorType::MAC, 8, |body| body.copy_from_slice(&mac.0))
    }

    /// A switch's or a node's name.
    pub fn name(self, name: Wwn) -> Self {
        self.add(DescriptorType::NAME, 12, |body| body[2..].copy_from_slice(&name.to_bytes()))
    }

    /// The fabric of an FCF.
    pub fn fabric(self, fabric: Fabric) -> Self {
        self.add(DescriptorType::FABRIC, 16, |body| {
            body[..2].copy_from_slice(&fabric.vf_id.to_be_bytes());
            body[3..6].copy_from_slice(&fabric.map.0);
            body[6..].copy_from_slice(&fabric.name.to_bytes());
        })
    }

    /// Largest FCoE frame, the Ethernet header not counted.
    pub fn max_frame(self, bytes: u16) -> Self {
        self.add(DescriptorType::MAX_FRAME, 4, |body| body.copy_from_slice(&bytes.to_be_bytes()))
    }

    /// FKA_ADV_PERIOD in milliseconds; keep-alives not wanted (the D bit).
    pub fn fka_adv_period(self, period_ms: u32, unwanted: bool) -> Self {
        self.add(DescriptorType::FKA_ADV_PERIOD, 8, |body| {
            body[1] = u8::from(unwanted);
            body[2..].copy_from_slice(&period_ms.to_be_bytes());
        })
    }

    /// A VN_Port.
    pub fn vn_port(self, port: VnPort) -> Self {
        self.add(DescriptorType::VN_PORT, 20, |body| {
            body[..6].copy_from_slice(&port.mac.0);
            body[7..10].copy_from_slice(&port.id.to_bytes());
            body[10..].copy_from_slice(&port.name.to_bytes());
        })
    }

    /// A VLAN; 0 is the untagged one.
    pub fn vlan(self, vlan: u16) -> Self {
        self.add(DescriptorType::VLAN, 4, |body| body.copy_from_slice(&(vlan & 0xfff).to_be_bytes()))
    }

    /// FC-4 types and features.
    pub fn fc4_types(self, types: Fc4Types) -> Self {
        self.add(DescriptorType::FC4_ATTRIBUTES, 164, |body| types.write(body))
    }

    /// A link service, the first descriptor of its message: header and payload of a frame, whole words and at most 1,016
    /// bytes; logins and logouts are far shorter.
    pub fn els(self, kind: DescriptorType, frame: &[u8]) -> Self {
        assert!(frame.len().is_multiple_of(4) && frame.len() <= 1016, "an ELS of {} bytes", frame.len());
        self.add(kind, 4 + frame.len(), |body| body[2..].copy_from_slice(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Message};
    use super::*;
    use crate::fc::PortId;
    use crate::fcoe::FcMap;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const NAME: Wwn = Wwn(0x1000_0200_0000_0001);
    const FABRIC: Fabric = Fabric { vf_id: 0, map: FcMap::FABRIC, name: NAME };
    const VN: VnPort = VnPort { mac: Mac([0x0e, 0xfc, 0, 1, 2, 3]), id: PortId(0x010203), name: NAME };

    #[test]
    fn solicitation() {
        let mut bytes = [0xff; 64];
        let flags = Flags::default().with_fpma(true);
        let n = Writer::new(&mut bytes, Kind::Solicitation, flags).mac(MAC).name(NAME).max_frame(2158).finish();
        // As FC-BB-6 draws it: version 1, operation 1, subcode 1, six words of descriptors, FP.
        assert_eq!(bytes[..10], [0x10, 0, 0, 1, 0, 1, 0, 6, 0x80, 0]);
        assert_eq!(bytes[10..18], [2, 2, 2, 0, 0, 0, 0, 1]);
        assert_eq!(bytes[18..30], [4, 3, 0, 0, 0x10, 0, 2, 0, 0, 0, 0, 1]);
        assert_eq!(bytes[30..n], [6, 1, 0x08, 0x6e]);
        let message = Message::parse(&bytes).expect("padding does not count");
        assert_eq!((message.kind, message.flags), (Kind::Solicitation, flags));
        assert_eq!((message.mac(), message.name(), message.max_frame()), (Some(MAC), Some(NAME), Some(2158)));
        assert_eq!(message.priority(), None);
    }

    #[test]
    fn advertisement_is_padded() {
        let mut bytes = [0xff; 2200];
        let writer = Writer::new(&mut bytes, Kind::Advertisement, Flags::default().with_solicited(true));
        let writer = writer.priority(128).mac(MAC).name(NAME).fabric(FABRIC).fka_adv_period(8000, true);
        assert_eq!(writer.finish_padded(2158), 2158);
        assert_eq!((bytes[2157], bytes[2158]), (0, 0xff));
        let message = Message::parse(&bytes[..2158]).unwrap();
        assert_eq!((message.priority(), message.fabric()), (Some(128), Some(FABRIC)));
        assert_eq!(message.fka_adv_period(), Some((8000, true)));
    }

    #[test]
    fn link_services() {
        let (mut bytes, frame) = ([0; 300], [7; 24 + 116]);
        let flags = Flags::default().with_fpma(true);
        let writer = Writer::new(&mut bytes, Kind::LsReply, flags).els(DescriptorType::FLOGI, &frame);
        let n = writer.mac(VN.mac).mac(MAC).finish();
        let message = Message::parse(&bytes[..n]).unwrap();
        let els = message.els().unwrap();
        assert_eq!((els.kind, els.frame, message.mac()), (DescriptorType::FLOGI, &frame[..], Some(VN.mac)));
        let n = Writer::new(&mut bytes, Kind::LsReply, flags).mac(MAC).els(DescriptorType::FLOGI, &frame).finish();
        assert_eq!(Message::parse(&bytes[..n]), Err(Fault::DescriptorType), "the service comes first");
        // Found by fuzzing: one that may be passed over in its place, and no service at all.
        let vendor = DescriptorType(200);
        let n = Writer::new(&mut bytes, Kind::LsReply, flags).add(vendor, 8, |_| ()).mac(MAC).finish();
        assert_eq!(Message::parse(&bytes[..n]), Err(Fault::DescriptorType));
        let n = Writer::new(&mut bytes, Kind::LsRequest, flags).finish();
        assert_eq!(Message::parse(&bytes[..n]), Err(Fault::Missing));
        let n = Writer::new(&mut bytes, Kind::Beacon, flags).els(DescriptorType::FLOGI, &frame).finish();
        assert_eq!(Message::parse(&bytes[..n]), Err(Fault::DescriptorType));
    }

    #[test]
    fn claims_and_lists() {
        let mut bytes = [0; 300];
        let types = Fc4Types { fcp: Some(1), nvme: None };
        let writer = Writer::new(&mut bytes, Kind::ClaimNotification, Flags::default()).mac(MAC).name(NAME);
        let n = writer.vn_port(VN).fc4_types(types).max_frame(2158).finish();
        let message = Message::parse(&bytes[..n]).unwrap();
        assert_eq!(message.vn_ports().collect::<std::vec::Vec<_>>(), [VN]);
        assert_eq!(message.fc4_types(), Some(types));
        let writer = Writer::new(&mut bytes, Kind::VlanNotification, Flags::default()).mac(MAC);
        let n = writer.vlan(0).vlan(100).finish();
        assert!(Message::parse(&bytes[..n]).unwrap().vlans().eq([0, 100]));
        let writer = Writer::new(&mut bytes, Kind::ClearVirtualLinks, Flags::default());
        let n = writer.mac(MAC).name(NAME).vn_port(VN).vn_port(VN).finish();
        assert_eq!(Message::parse(&bytes[..n]).unwrap().vn_ports().count(), 2);
    }

    #[test]
    fn what_is_dropped() {
        let mut bytes = [0; 128];
        let flags = Flags::default();
        let n = Writer::new(&mut bytes, Kind::KeepAlive, flags).mac(MAC).finish();
        for cut in 0..n {
            assert_eq!(Message::parse(&bytes[..cut]), Err(Fault::Short), "{cut}");
        }
        let with = |at: usize, value: u8| {
            let mut changed = bytes;
            changed[at] = value;
            Message::parse(&changed[..n]).map(|message| message.kind)
        };
        assert_eq!(with(0, 0x20), Err(Fault::Version));
        assert_eq!(with(3, 9), Err(Fault::Unknown));
        assert_eq!(with(5, 0), Err(Fault::Unknown));
        assert_eq!(with(7, 0xff), Err(Fault::Short));
        assert_eq!(with(11, 0), Err(Fault::DescriptorLength));
        assert_eq!(with(11, 3), Err(Fault::DescriptorLength));
        assert_eq!(with(10, 77), Err(Fault::DescriptorType));
        assert_eq!(with(10, 200), Err(Fault::Missing), "passed over");
        assert_eq!(with(7, 0), Err(Fault::Missing));
        let n = Writer::new(&mut bytes, Kind::KeepAlive, flags).mac(MAC).mac(MAC).finish();
        assert_eq!(Message::parse(&bytes[..n]), Err(Fault::Duplicate));
    }

    extern crate std;
}
