//! `ct`: the name server's requests and answers. Input: a CT_IU.

use wire::fc::ct::*;
use wire::fc::{PortId, Type, Wwn};
use wire::{IntoBytes, parse};

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let Some((header, body)) = data.split_at_checked(CT_HEADER_BYTES) else {
        assert_eq!(reply(data), CtReply::Malformed);
        return;
    };
    let header: &CtHeader = parse(header).unwrap();
    assert_eq!(header.to_bytes(), data[..CT_HEADER_BYTES]);
    match Request::parse(header.command(), body) {
        Ok(request) => again(request),
        Err(reject) => assert_eq!(reply(&header.reject(reject).to_bytes()), CtReply::Reject(reject)),
    }
    if let CtReply::Accept { body, .. } = reply(data) {
        answers(body);
    }
}

/// What was read, written and read again is the same request.
fn again(request: Request<'_>) {
    let mut out = [0; Request::MAX_BYTES];
    let length = request.write(&mut out, 0).expect("the longest request has room");
    assert_eq!(Request::parse(request.command(), &out[CT_HEADER_BYTES..length]), Ok(request));
    assert!(length % 4 == 0 && request.write(&mut out[..length - 1], 0).is_none());
}

fn answers(body: &[u8]) {
    let ports: Vec<PortEntry> = PortEntries::new(body).copied().collect();
    let mut out = vec![0; ports.len() * 4];
    assert_eq!(write_port_entries(&mut out, &ports), (out.len(), 0));
    assert!(PortEntries::new(&out).map(PortEntry::id).eq(ports.iter().map(PortEntry::id)));
    let names: Vec<NameEntry> = NameEntries::new(body).copied().collect();
    let mut out = vec![0; names.len() * 16];
    assert_eq!(write_name_entries(&mut out, &names), (out.len(), 0));
    let pair = |entry: &NameEntry| -> (PortId, Wwn) { (entry.id(), entry.name()) };
    assert!(NameEntries::new(&out).map(pair).eq(names.iter().map(pair)));
    objects(body);
}

fn objects(body: &[u8]) {
    if let Some(name) = SymbolicName::parse(body) {
        let mut out = [0; 256];
        let length = name.write(&mut out).unwrap();
        assert_eq!(out[..length], body[..length]);
    }
    if let Some(types) = parse::<Fc4Types>(body) {
        let rebuilt = types.iter().fold(Fc4Types::NONE, Fc4Types::with);
        assert_eq!(rebuilt, *types);
    }
    if let Some(features) = parse::<Fc4Features>(body) {
        let all = (0..=255).map(Type);
        let rebuilt = all.fold(Fc4Features::NONE, |sum, type_| sum.with(type_, features.get(type_)));
        assert_eq!(rebuilt, *features);
    }
    if let Some(port) = parse::<GaNxt>(body) {
        let _ = (port.id(), port.port_name(), port.node_name());
        let mut named = *port;
        let symbolic = SymbolicName::parse(&port.symbolic_port_name).unwrap_or_default();
        named.set_symbolic_names(symbolic, SymbolicName::default());
        assert_eq!(SymbolicName::parse(&named.symbolic_port_name).unwrap_or_default(), symbolic);
        assert_eq!(named.as_bytes()[..12], port.as_bytes()[..12]);
    }
}
