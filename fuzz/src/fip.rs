//! `fip`: FIP messages and FCoE frames. Input: what comes after an Ethernet header.

use wire::fcoe;
use wire::fip::{Message, Writer};

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    if let Ok(message) = Message::parse(data) {
        again(&message);
    }
    if let Ok((frame, _)) = fcoe::unwrap(data) {
        assert!(frame.len() >= wire::fc::HEADER_BYTES && frame.len() + fcoe::OVERHEAD == data.len());
        let (head, rest) = frame.split_at(frame.len() / 3);
        let parts = wire::fc::Crc::new().update(head).update(rest).finish();
        assert_eq!(wire::fc::crc(frame), parts);
    }
}

/// A message of the same descriptors is read the same.
fn again(message: &Message<'_>) {
    let mut out = vec![0; 2 * crate::INPUT_MAX];
    let mut writer = Writer::new(&mut out, message.kind, message.flags);
    if let Some(els) = message.els() {
        writer = writer.els(els.kind, els.frame);
    }
    writer = message.priority().into_iter().fold(writer, Writer::priority);
    writer = message.mac().into_iter().fold(writer, Writer::mac);
    writer = message.name().into_iter().fold(writer, Writer::name);
    writer = message.fabric().into_iter().fold(writer, Writer::fabric);
    writer = message.max_frame().into_iter().fold(writer, Writer::max_frame);
    writer = message.vn_ports().fold(writer, Writer::vn_port);
    writer = message.vlans().fold(writer, Writer::vlan);
    writer = message.fc4_types().into_iter().fold(writer, Writer::fc4_types);
    if let Some((period, unwanted)) = message.fka_adv_period() {
        writer = writer.fka_adv_period(period, unwanted);
    }
    let length = writer.finish();
    equal(message, &Message::parse(&out[..length]).expect("what was written is sound"));
}

fn equal(a: &Message<'_>, b: &Message<'_>) {
    assert_eq!((a.kind, a.flags, a.els()), (b.kind, b.flags, b.els()));
    assert_eq!((a.mac(), a.name(), a.priority(), a.fabric()), (b.mac(), b.name(), b.priority(), b.fabric()));
    assert_eq!((a.max_frame(), a.fka_adv_period(), a.fc4_types()), (b.max_frame(), b.fka_adv_period(), b.fc4_types()));
    assert!(a.vn_ports().eq(b.vn_ports()) && a.vlans().eq(b.vlans()));
}
